"""The public names. Adding or removing one requires a change of this file."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from pathlib import Path
from typing import Any, get_type_hints

import pytest

import commercepay
from commercepay import AsyncCommercePay, CommercePay, ConfigurationError, params
from commercepay._calls import resources

NAMES = [
    "APIConnectionError",
    "APIError",
    "APITimeoutError",
    "ArgumentError",
    "AsyncCommercePay",
    "AuthenticationError",
    "Callback",
    "CallbackError",
    "CallbackRejection",
    "Channel",
    "ChannelCurrency",
    "ClientClosed",
    "CommercePay",
    "CommercePayError",
    "ConfigurationError",
    "Customer",
    "Decision",
    "DuplicateTransaction",
    "Expected",
    "IdentificationType",
    "InvalidResponse",
    "InvalidSignature",
    "Money",
    "OpenPayment",
    "Outcome",
    "OutcomeUnknown",
    "Payment",
    "PaymentExpired",
    "PaymentStatus",
    "PlatformCharge",
    "ReceivedCallback",
    "Reconciled",
    "Recurrence",
    "RecurrenceMode",
    "Response",
    "ReturnHint",
    "Session",
    "StartedPayment",
    "StillOpen",
    "SubMerchant",
    "TransactionAlreadyProcessed",
    "TransactionNotFound",
    "UnreadableOutcome",
    "UnsignableData",
    "ValidationFailed",
    "ValidationProblem",
    "__version__",
    "decide",
    "read_return",
]

CLIENT = [
    *(
        "api",
        "call",
        "callbacks",
        "channels",
        "from_env",
        "last_response",
        "payments",
        "request",
        "sessions",
        "settings",
    )
]
RESOURCES = {
    "channels": ["list"],
    "sessions": ["create"],
    "payments": ["confirm", "create", "query", "reconcile", "wait"],
    "callbacks": ["at", "callback_urls", "verify"],
}
MODULES = {
    "signature": ["matches", "sign", "string_to_sign"],
    "money": ["Money"],
    "status": ["PaymentStatus"],
    "client": ["AsyncCommercePay", "CommercePay"],
}
OPENING = [
    "amount",
    "callback_url",
    "channel_group_id",
    "customer",
    "description",
    "hidden_channels",
    "ip_address",
    "local_citizen",
    "max_retries",
    "platform_charge",
    "recurring",
    "reference_code",
    "return_url",
    "save_payment",
    "sub_merchant",
    "timeout",
    "timestamp",
    "user_agent",
]
SETTINGS = [
    "base_url",
    "connect_timeout",
    "environment",
    "max_response_bytes",
    "max_retries",
    "password",
    "retired_secret_keys",
    "secret_key",
    "tenant_id",
    "timeout",
    "username",
]
PARAMS = {
    "ClientParams": SETTINGS,
    "ClientOptions": sorted([*SETTINGS, "http_client", "transport"]),
    "AsyncClientOptions": sorted([*SETTINGS, "http_client", "transport"]),
    "CallOptions": ["max_retries", "timeout"],
    "ChannelsParams": ["country", "max_retries", "timeout"],
    "SessionParams": sorted([*OPENING, "expires_in"]),
    "PaymentParams": sorted([*OPENING, "channel_id", "provider_channel_id"]),
    "ConfirmParams": ["callback", "max_retries", "return_params", "session_number", "timeout", "transaction_number"],
    "WaitParams": ["session_number", "timeout", "transaction_number"],
    "QueryParams": ["max_retries", "session_number", "timeout", "transaction_number"],
}
STATUS = ["is_authorised", "is_closed_unpaid", "is_final", "is_known", "is_paid", "is_pending", "is_refund"]


def public(thing: Any) -> list[str]:
    return sorted(name for name in dir(thing) if not name.startswith("_"))


def made(cls: Any) -> Any:
    return cls(tenant_id=1, username="u", password="p", secret_key="k")


def test_names_of_the_package() -> None:
    """`commercepay.__all__` is exactly this list, and `dir` shows it."""
    assert sorted(commercepay.__all__) == sorted(NAMES)
    assert len(set(commercepay.__all__)) == len(commercepay.__all__)
    assert set(NAMES) <= set(dir(commercepay))


@pytest.mark.parametrize("name", NAMES)
def test_every_name_resolves(name: str) -> None:
    """Every public name can be imported, is the same each time, and comes from the module that the table names."""
    item = getattr(commercepay, name)
    assert item is getattr(commercepay, name)
    if name != "__version__":
        module = importlib.import_module(commercepay._MODULE_OF[name])
        assert getattr(module, name) is item
        assert item.__module__ == module.__name__
        assert (item.__doc__ or "").strip()


def test_star_import() -> None:
    """A star import brings all names."""
    found: dict[str, Any] = {}
    exec("from commercepay import *", found)
    assert set(NAMES) <= set(found)


def test_unknown_names() -> None:
    """A name that does not exist raises an AttributeError with the name."""
    with pytest.raises(AttributeError, match="has no attribute 'Nonsense'"):
        _ = commercepay.Nonsense


def test_type_checkers_see_the_same() -> None:
    """The imports for type checkers equal the table of lazy imports."""
    tree = ast.parse(Path(str(commercepay.__file__)).read_text())
    imported = {
        alias.asname: node.module
        for block in tree.body
        if isinstance(block, ast.If)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.asname == alias.name  # the form that re-exports
    }
    assert imported == commercepay._MODULE_OF


@pytest.mark.parametrize("module", MODULES)
def test_names_of_modules(module: str) -> None:
    """The modules that applications import have exactly these public names."""
    assert sorted(importlib.import_module(f"commercepay.{module}").__all__) == MODULES[module]


def test_names_of_clients() -> None:
    """Both clients have exactly these attributes, and their resources exactly these methods."""
    sync, asynchronous = made(CommercePay), made(AsyncCommercePay)
    assert public(sync) == sorted([*CLIENT, "close"])
    assert public(asynchronous) == sorted([*CLIENT, "aclose"])
    for client in (sync, asynchronous):
        for resource, methods in RESOURCES.items():
            assert public(getattr(client, resource)) == methods


def test_parameters() -> None:
    """The calls take exactly these parameters."""
    assert sorted(PARAMS) == sorted(params.__all__)
    for name, expected in PARAMS.items():
        assert sorted(getattr(params, name).__annotations__) == expected


def test_status() -> None:
    """A status has exactly these properties."""
    from commercepay import PaymentStatus

    assert [name for name in public(PaymentStatus.PAID) if name.startswith("is_") and name != "is_integer"] == STATUS


PAIRS = [
    (CommercePay, AsyncCommercePay),
    (resources.Channels, resources.AsyncChannels),
    (resources.Sessions, resources.AsyncSessions),
    (resources.Payments, resources.AsyncPayments),
]
RENAMED = {"close": "aclose", "__enter__": "__aenter__", "__exit__": "__aexit__"}
# A thread is cancelled by an event, a task without one; items may come from an async iterable, as the results do.
APART = {"wait": {"cancel"}, "reconcile": {"items", "return"}}


def methods(cls: Any) -> dict[str, Any]:
    return {name: item for name, item in vars(cls).items() if inspect.isfunction(item) and name != "__init__"}


def described(function: Any) -> dict[str, Any]:
    found = inspect.signature(function)
    members: dict[str, Any] = dict(found.parameters) | {"return": found.return_annotation}
    return {name: item for name, item in members.items() if name not in APART.get(function.__name__, ())}


@pytest.mark.parametrize(("sync", "asynchronous"), PAIRS)
def test_same_signatures(sync: Any, asynchronous: Any) -> None:
    """Sync and async have the same methods with the same parameters and results; the async ones are awaited or iterated."""
    assert {RENAMED.get(name, name) for name in methods(sync)} == set(methods(asynchronous))
    for name, one in methods(sync).items():
        other = getattr(asynchronous, RENAMED.get(name, name))
        assert described(one) == described(other), name
        assert inspect.iscoroutinefunction(other) == (name != "reconcile"), name
        assert not inspect.iscoroutinefunction(one), name


def test_same_constructors() -> None:
    """Both clients are built from the same arguments, all by keyword."""
    found = inspect.signature(CommercePay).parameters
    assert found == inspect.signature(AsyncCommercePay).parameters
    assert {item.kind for item in found.values()} == {inspect.Parameter.KEYWORD_ONLY}
    assert list(inspect.signature(CommercePay.from_env).parameters) == list(found)


CALLS = [
    (getattr(cls, name), inspect.getdoc(getattr(cls, name)))
    for pair in PAIRS
    for cls in pair
    for name in ("__init__", "from_env", *methods(cls))
    if hasattr(cls, name) and not name.startswith(("__e", "__a")) and (pair == PAIRS[0] or name != "__init__")
]


@pytest.mark.parametrize(("call", "text"), CALLS, ids=lambda given: getattr(given, "__qualname__", ""))
def test_help(call: Any, text: str | None) -> None:
    """`help` describes each parameter, and no other."""
    _, _, rest = (text or "").partition("\nArgs:\n")
    section = rest.partition("\n\n")[0]
    listed = [
        name for names in re.findall(r"^    (\w+(?:, \w+)*): \S", section, re.MULTILINE) for name in names.split(", ")
    ]
    expected = [name for name in inspect.signature(call).parameters if name not in ("self", "cls")]
    if call is resources.AsyncPayments.wait:
        expected.append("cancel")  # of the sync method, which has the same text
    assert sorted(listed) == sorted(expected)


DECLARED = {
    CommercePay.__init__: params.ClientParams,
    resources.Channels.list: params.ChannelsParams,
    resources.Sessions.create: params.SessionParams,
    resources.Payments.create: params.PaymentParams,
    resources.Payments.query: params.QueryParams,
    resources.Payments.confirm: params.ConfirmParams,
    resources.Payments.wait: params.WaitParams,
}
NOT_IN_A_DICT = {"return", "http_client", "transport", "expected", "cancel"}


@pytest.mark.parametrize("call", DECLARED, ids=lambda call: call.__qualname__)
def test_declared_parameters(call: Any) -> None:
    """The signature of a call has the names, types and required parameters that its `TypedDict` has, which the checks use."""
    declared = DECLARED[call]
    types = {name: kind for name, kind in get_type_hints(call).items() if name not in NOT_IN_A_DICT}
    assert types == get_type_hints(declared)
    found = inspect.signature(call).parameters.values()
    required = {item.name for item in found if item.default is item.empty} - NOT_IN_A_DICT - {"self"}
    assert required == declared.__required_keys__


def test_missing_arguments_are_named_together() -> None:
    """Creating a client without arguments raises one error with every missing argument."""
    with pytest.raises(ConfigurationError) as caught:
        CommercePay()  # type: ignore[call-arg]
    assert len(caught.value.problems) == 4
