"""`settings.COMMERCEPAY`, read and checked; the clients and the endpoint are made from it, once per process."""

from __future__ import annotations

import asyncio
import atexit
import threading
from collections.abc import Sequence
from typing import Any

from commercepay._base.json_guards import is_mapping
from commercepay._base.suggestions import did_you_mean
from commercepay.callbacks import Verifier
from commercepay.client import AsyncCommercePay, CommercePay
from commercepay.errors import ConfigurationError
from commercepay.integrations._endpoint import OPTIONS, CallbackInbox, Endpoint, is_async
from commercepay.integrations.django._border import import_string, setting_changed, settings

SETTING = "COMMERCEPAY"
_PATHS = ("ON_CALLBACK", "INBOX", "FIND_ORDER", "ON_SETTLED", "OPEN_PAYMENTS")
_OWN = ("CALLBACK_URL", "FORMER_CALLBACK_URLS", *_PATHS)
_KNOWN = (*(name.upper() for name in OPTIONS), *_OWN)


class SettingsError(ConfigurationError):
    """What is wrong with the settings.

    Attributes:
        found: the id of the system check and the problem, for each problem.
    """

    def __init__(self, found: list[tuple[str, str]]) -> None:
        super().__init__([problem for _, problem in found])
        self.found = found


class Configuration:
    """The clients and the endpoint that the settings describe.

    Attributes:
        options: the arguments of the clients among the settings.

    Raises:
        SettingsError: names everything that is missing or wrong.
    """

    def __init__(self) -> None:
        given: object = getattr(settings, SETTING, None)
        if not is_mapping(given):
            missing = ", and is missing" if given is None else ""
            raise SettingsError([("commercepay.E001", f"settings.{SETTING} must be a dict{missing}")])
        found = [
            ("commercepay.E002", f"settings.{SETTING} has no key {key!r}{did_you_mean(str(key), _KNOWN)}")
            for key in given
            if key not in _KNOWN
        ]
        self.options: Any = {name: given[name.upper()] for name in OPTIONS if given.get(name.upper()) is not None}
        own: dict[str, Any] = {}
        for key in _OWN:
            try:
                own[key.lower()] = _imported(key, given.get(key))
            except ImportError as error:
                found.append(("commercepay.E004", f"{key} {given[key]!r} can't be imported: {error}"))
        try:
            self.client = CommercePay.from_env(**self.options)  # opens no connection before it is used
            self.aclient = AsyncCommercePay.from_env(**self.options)
        except ConfigurationError as error:
            # A build without credentials runs `migrate` and `collectstatic`, too: what is missing is only a warning.
            found += [
                ("commercepay.W004" if problem.endswith(" is missing") else "commercepay.E003", problem)
                for problem in error.problems
            ]
        if len(own) == len(_OWN):
            self.on_callback: Any = own["on_callback"]
            self.open_payments: Any = own.pop("open_payments")
            problems: Sequence[str] = ()
            try:
                _use_orm(own)
                self.endpoint = Endpoint(**own)
                if hasattr(self, "client"):
                    problems = self.endpoint.environment_problems(self.client.settings)
            except ConfigurationError as error:
                problems = error.problems
            found += [("commercepay.E004", problem) for problem in problems]
        if found:
            raise SettingsError(found)

    def close(self) -> None:
        """For the end of a process, when no event loop runs any more."""
        self.client.close()
        if self.aclient.api.connections.is_open:
            asyncio.run(self.aclient.aclose())

    async def aclose(self) -> None:
        self.client.close()
        await self.aclient.aclose()


def _use_orm(own: dict[str, Any]) -> None:
    """`ON_SETTLED` stands for an inbox on the ORM.

    Raises:
        ConfigurationError: the settings do not fit together.
    """
    on_settled, find_order = own.pop("on_settled"), own["find_order"]
    if on_settled is None:
        return
    problems = [
        f"{name} must be a plain function: the inbox on the ORM can't await it"
        for name, function in (("ON_SETTLED", on_settled), ("FIND_ORDER", find_order))
        if not callable(function) or is_async(function)
    ]
    problems += [
        f"give ON_SETTLED or {name.upper()}, not both" for name in ("inbox", "on_callback") if own[name] is not None
    ]
    if problems:
        raise ConfigurationError(problems)

    def make(verifier: Verifier) -> CallbackInbox:
        from commercepay.integrations.django.inbox import DjangoInbox  # it needs the models, which are loaded by now

        return DjangoInbox(verifier.verify, find_order=find_order, on_settled=on_settled)

    own["inbox"] = make


def _imported(key: str, given: object) -> object:
    return import_string(given) if key in _PATHS and isinstance(given, str) else given


_lock = threading.Lock()
_current: Configuration | None = None


def current() -> Configuration:
    """This process's configuration, made at the first call.

    Raises:
        SettingsError: names everything that is missing or wrong.
    """
    global _current
    if (made := _current) is None:
        with _lock:
            made = _current = _current or Configuration()
    return made


def _taken() -> Configuration | None:
    global _current
    with _lock:
        taken, _current = _current, None
    return taken


def close() -> None:
    if taken := _taken():
        taken.close()


async def aclose() -> None:
    if taken := _taken():
        await taken.aclose()


def _changed(*, setting: str, **_: object) -> None:
    """A test has overridden the settings."""
    if setting == SETTING and (taken := _taken()):
        taken.client.close()


setting_changed.connect(_changed)
atexit.register(close)
