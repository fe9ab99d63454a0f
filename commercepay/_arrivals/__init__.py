"""The rules of the inbox: what is stored, claimed and handled, in which order, whatever the database library.

`records` has the values, `storage` what a database library must provide, `rules` the flows.
"""
