"""Runs the pinned generator (openapi-python-client) with patched templates.

package     `commercepay generate`: a description of a merchant's into a package of theirs
render      a description into a package; also used by `openapi/build.py`, which builds `commercepay_api`
templates   the patches
"""
