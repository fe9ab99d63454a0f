# Generated from openapi/commercepay.yaml by openapi/build.py; do not edit, run: nox -s generate
"""Contains all the data models used in inputs/outputs"""

from .authenticate_envelope import AuthenticateEnvelope
from .authenticate_request import AuthenticateRequest
from .authenticate_result import AuthenticateResult
from .callback import Callback
from .channel import Channel
from .channel_currency import ChannelCurrency
from .channels_envelope import ChannelsEnvelope
from .customer import Customer
from .envelope import Envelope
from .error_code import ErrorCode
from .error_info import ErrorInfo
from .identification_type import IdentificationType
from .initial_session_envelope import InitialSessionEnvelope
from .payment_details import PaymentDetails
from .payment_request import PaymentRequest
from .payment_started import PaymentStarted
from .payment_status import PaymentStatus
from .platform_charge import PlatformCharge
from .query_envelope import QueryEnvelope
from .query_result import QueryResult
from .recurring_mode import RecurringMode
from .recurring_payment_info import RecurringPaymentInfo
from .refusal import Refusal
from .request_payment_envelope import RequestPaymentEnvelope
from .request_payment_extra_info import RequestPaymentExtraInfo
from .session_opened import SessionOpened
from .session_request import SessionRequest
from .sub_merchant import SubMerchant
from .validation_error import ValidationError

__all__ = (
    "AuthenticateEnvelope",
    "AuthenticateRequest",
    "AuthenticateResult",
    "Callback",
    "Channel",
    "ChannelCurrency",
    "ChannelsEnvelope",
    "Customer",
    "Envelope",
    "ErrorCode",
    "ErrorInfo",
    "IdentificationType",
    "InitialSessionEnvelope",
    "PaymentDetails",
    "PaymentRequest",
    "PaymentStarted",
    "PaymentStatus",
    "PlatformCharge",
    "QueryEnvelope",
    "QueryResult",
    "RecurringMode",
    "RecurringPaymentInfo",
    "Refusal",
    "RequestPaymentEnvelope",
    "RequestPaymentExtraInfo",
    "SessionOpened",
    "SessionRequest",
    "SubMerchant",
    "ValidationError",
)
