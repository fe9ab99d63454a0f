"""Runs the pinned generator (openapi-python-client) with patched templates.

render      one description into one package; also used by `openapi/build.py`, which builds `commercepay_api`
templates   the patches
"""
