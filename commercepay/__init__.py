"""The CommercePay payment gateway for Python.

    from commercepay import CommercePay, Money

    with CommercePay.from_env() as cp:
        session = cp.sessions.create(amount=Money("12.34", "MYR"), reference_code="INV-1", ...)

Importing this package imports next to nothing; each name is loaded when it is first used.
"""

from __future__ import annotations

from commercepay._version import __version__

TYPE_CHECKING = bool()  # noqa: UP018  # jedi skips what is under a literal False; importing typing takes time
if TYPE_CHECKING:
    from commercepay._protocol.envelope import Response as Response
    from commercepay.callbacks import Callback as Callback
    from commercepay.callbacks import ReceivedCallback as ReceivedCallback
    from commercepay.client import AsyncCommercePay as AsyncCommercePay
    from commercepay.client import CommercePay as CommercePay
    from commercepay.decision import Decision as Decision
    from commercepay.decision import Expected as Expected
    from commercepay.decision import Outcome as Outcome
    from commercepay.decision import decide as decide
    from commercepay.errors import APIConnectionError as APIConnectionError
    from commercepay.errors import APIError as APIError
    from commercepay.errors import APITimeoutError as APITimeoutError
    from commercepay.errors import ArgumentError as ArgumentError
    from commercepay.errors import AuthenticationError as AuthenticationError
    from commercepay.errors import CallbackError as CallbackError
    from commercepay.errors import CallbackRejection as CallbackRejection
    from commercepay.errors import ClientClosed as ClientClosed
    from commercepay.errors import CommercePayError as CommercePayError
    from commercepay.errors import ConfigurationError as ConfigurationError
    from commercepay.errors import DuplicateTransaction as DuplicateTransaction
    from commercepay.errors import InvalidResponse as InvalidResponse
    from commercepay.errors import InvalidSignature as InvalidSignature
    from commercepay.errors import OutcomeUnknown as OutcomeUnknown
    from commercepay.errors import PaymentExpired as PaymentExpired
    from commercepay.errors import StillOpen as StillOpen
    from commercepay.errors import TransactionAlreadyProcessed as TransactionAlreadyProcessed
    from commercepay.errors import TransactionNotFound as TransactionNotFound
    from commercepay.errors import UnknownOrder as UnknownOrder
    from commercepay.errors import UnreadableOutcome as UnreadableOutcome
    from commercepay.errors import UnsignableData as UnsignableData
    from commercepay.errors import ValidationFailed as ValidationFailed
    from commercepay.errors import ValidationProblem as ValidationProblem
    from commercepay.models import Channel as Channel
    from commercepay.models import ChannelCurrency as ChannelCurrency
    from commercepay.models import Customer as Customer
    from commercepay.models import IdentificationType as IdentificationType
    from commercepay.models import Payment as Payment
    from commercepay.models import PlatformCharge as PlatformCharge
    from commercepay.models import Recurrence as Recurrence
    from commercepay.models import RecurrenceMode as RecurrenceMode
    from commercepay.models import Session as Session
    from commercepay.models import StartedPayment as StartedPayment
    from commercepay.models import SubMerchant as SubMerchant
    from commercepay.money import Money as Money
    from commercepay.reconciliation import OpenPayment as OpenPayment
    from commercepay.reconciliation import Reconciled as Reconciled
    from commercepay.returns import ReturnHint as ReturnHint
    from commercepay.returns import read_return as read_return
    from commercepay.status import PaymentStatus as PaymentStatus

_HOME = {
    "commercepay._protocol.envelope": ("Response",),
    "commercepay.callbacks": ("Callback", "ReceivedCallback"),
    "commercepay.client": ("AsyncCommercePay", "CommercePay"),
    "commercepay.decision": ("Decision", "Expected", "Outcome", "decide"),
    "commercepay.errors": (
        "APIConnectionError",
        "APIError",
        "APITimeoutError",
        "ArgumentError",
        "AuthenticationError",
        "CallbackError",
        "CallbackRejection",
        "ClientClosed",
        "CommercePayError",
        "ConfigurationError",
        "DuplicateTransaction",
        "InvalidResponse",
        "InvalidSignature",
        "OutcomeUnknown",
        "PaymentExpired",
        "StillOpen",
        "TransactionAlreadyProcessed",
        "TransactionNotFound",
        "UnknownOrder",
        "UnreadableOutcome",
        "UnsignableData",
        "ValidationFailed",
        "ValidationProblem",
    ),
    "commercepay.money": ("Money",),
    "commercepay.reconciliation": ("OpenPayment", "Reconciled"),
    "commercepay.returns": ("ReturnHint", "read_return"),
    "commercepay.status": ("PaymentStatus",),
    "commercepay.models": (
        "Channel",
        "ChannelCurrency",
        "Customer",
        "IdentificationType",
        "Payment",
        "PlatformCharge",
        "Recurrence",
        "RecurrenceMode",
        "Session",
        "StartedPayment",
        "SubMerchant",
    ),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}

__all__ = ["__version__", *_MODULE_OF]  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> object:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(_MODULE_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
