# Generated from openapi/commercepay.yaml by openapi/build.py; do not edit, run: nox -s generate
"""Contains endpoint functions for accessing the API"""
