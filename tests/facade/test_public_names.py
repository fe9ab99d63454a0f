"""The public names, and what holds for each of them."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from pathlib import Path
from typing import Any, get_type_hints

import pytest

import commercepay
from commercepay import AsyncCommercePay, CommercePay, ConfigurationError, errors, models, params
from commercepay._calls import resources

NAMES = sorted(commercepay.__all__)
CLIENT = ["api", "call", "callbacks", "channels", "from_env", "last_response", "payments", "request"]
CLIENT += ["sessions", "settings"]
CALLBACKS = ["at", "callback_urls", "verify"]
MODULES = {
    "explain": [
        "CALLBACK_READINGS",
        "Explanation",
        "Fit",
        "MOST_CHARACTERS",
        "MOST_TRIED",
        "READINGS",
        "Reading",
        "SignedCall",
        "Step",
        "explain",
        "explain_call",
        "explain_callback",
        "steps",
    ],
    "signature": ["matches", "sign", "string_to_sign"],
    "money": ["Money"],
    "status": ["PaymentStatus"],
    "client": ["AsyncCommercePay", "CommercePay"],
    "tokens": ["AsyncRedisStore", "AsyncTokenStore", "FileStore", "RedisStore", "TokenStore"],
}
STATUS = ["is_authorised", "is_closed_unpaid", "is_final", "is_known", "is_paid", "is_pending", "is_refund"]


def public(thing: Any) -> list[str]:
    return sorted(name for name in dir(thing) if not name.startswith("_"))


def made(cls: Any) -> Any:
    return cls(tenant_id=1, username="u", password="p", secret_key="k")


def test_names_of_the_package() -> None:
    """Every error, argument and result can be imported from the package, each name is listed once, and `dir` shows it."""
    raised = [name for name, item in vars(errors).items() if isinstance(item, type) and issubclass(item, Exception)]
    assert {*models.__all__, *(name for name in raised if not name.startswith("_"))} <= set(NAMES)
    assert len(set(NAMES)) == len(NAMES)
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
    """Both clients have exactly these attributes, and their resources nothing but their calls."""
    sync, asynchronous = made(CommercePay), made(AsyncCommercePay)
    assert public(sync) == sorted([*CLIENT, "close"])
    assert public(asynchronous) == sorted([*CLIENT, "aclose"])
    for client in (sync, asynchronous):
        assert public(client.callbacks) == CALLBACKS
        for resource in ("channels", "payments", "sessions"):
            assert public(getattr(client, resource)) == sorted(methods(type(getattr(client, resource))))


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


NOT_IN_A_DICT = {"self", "return", "http_client", "transport", "expected", "cancel"}
DECLARED = [getattr(params, name) for name in params.__all__ if name.endswith("Params")]


@pytest.mark.parametrize("declared", DECLARED, ids=lambda declared: declared.__name__)
def test_declared_parameters(declared: Any) -> None:
    """The `TypedDict` of a call, which the checks use, has the names, types and required parameters of its signatures."""
    names = declared.__annotations__.keys()
    calls = [call for call, _ in CALLS if call.__name__ != "from_env"]
    found = [call for call in calls if inspect.signature(call).parameters.keys() - NOT_IN_A_DICT == names]
    assert len(found) >= 2
    for call in found:
        types = get_type_hints(call)
        assert {name: types[name] for name in types.keys() - NOT_IN_A_DICT} == get_type_hints(declared)
        parameters = inspect.signature(call).parameters.values()
        required = {item.name for item in parameters if item.default is item.empty} - NOT_IN_A_DICT
        assert required == declared.__required_keys__


def test_missing_arguments_are_named_together() -> None:
    """Creating a client without arguments raises one error with every missing argument."""
    with pytest.raises(ConfigurationError) as caught:
        CommercePay()  # type: ignore[call-arg]
    assert len(caught.value.problems) == 4
