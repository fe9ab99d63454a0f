"""The description of the gateway, and descriptions of further endpoints that a merchant brings.

reading   an OpenAPI document in YAML or JSON, with the line of each part
merging   check such a document, and add it to the bundled description
"""
