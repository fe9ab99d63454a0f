# Generated from openapi/commercepay.yaml by openapi/build.py; do not edit, run: nox -s generate
"""The limits that the description sets for members: one constant each, named schema, member, limit."""

PAYMENT_DETAILS_REFERENCE_CODE_MAX_LENGTH = 50
PAYMENT_DETAILS_DESCRIPTION_MAX_LENGTH = 100
PAYMENT_DETAILS_USER_AGENT_MAX_LENGTH = 200
CUSTOMER_NAME_MAX_LENGTH = 36
RECURRING_PAYMENT_INFO_NUMBER_OF_PAYMENTS_MAXIMUM = 999
