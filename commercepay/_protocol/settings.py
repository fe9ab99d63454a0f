"""What a client needs to know, checked."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from commercepay._base.json_guards import is_array
from commercepay._base.record import Record
from commercepay._base.secret import Secret
from commercepay._protocol import defaults
from commercepay.errors import ConfigurationError

ENVIRONMENTS: Final = {
    "staging": "https://staging-payments.commerce.asia",
    "production": "https://payments.commerce.asia",
}
"""The gateway's servers (source: public integrations). Each has credentials of its own."""

REQUIRED: Final = ("tenant_id", "username", "password", "secret_key")

LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")


class Settings(Record):
    """Everything that one client is built from; holds secrets, so it shows and pickles none of them."""

    tenant_id: int
    username: str
    password: Secret
    secret_key: Secret
    retired_secret_keys: tuple[Secret, ...]
    base_url: str
    timeout: float
    max_retries: int


def settings(
    *,
    tenant_id: Any = None,
    username: Any = None,
    password: Any = None,
    secret_key: Any = None,
    environment: Any = "staging",
    base_url: Any = None,
    timeout: Any = defaults.TIMEOUT,
    max_retries: Any = defaults.MAX_RETRIES,
    retired_secret_keys: Any = (),
) -> Settings:
    """Check what the application passed (see `commercepay.params.ClientParams`); what is missing is wrong like all else.

    Raises:
        ConfigurationError: names every problem at once.
    """
    problems: list[str] = []
    if type(tenant_id) is not int or tenant_id <= 0:
        problems.append(f"tenant_id must be a positive int, not {_told(tenant_id)}")
    for name, text in (("username", username), ("password", password), ("secret_key", secret_key)):
        if not isinstance(text, str) or not text:
            problems.append(f"{name} must be a non-empty str" + ("" if text == "" else f", not {type(text).__name__}"))
        elif not _encodes(text):
            problems.append(
                f"{name} holds a lone surrogate, as bytes that are no UTF-8 leave in an environment variable"
            )
        elif name != "password" and text != text.strip():
            problems.append(f"{name} has blanks around it, which a copy and paste leaves behind")
    if not is_array(retired_secret_keys):
        problems.append(f"retired_secret_keys must be a list or tuple of str, not {type(retired_secret_keys).__name__}")
        retired_secret_keys = ()
    elif not all(_is_text(key) and _encodes(key) and key == key.strip() for key in retired_secret_keys):
        problems.append("retired_secret_keys must hold non-empty str without blanks around them")
    url = _base_url(environment, base_url, problems)
    for name, problem in (("timeout", timeout_problem(timeout)), ("max_retries", retries_problem(max_retries))):
        if problem:
            problems.append(f"{name} {problem}")
    if problems:
        raise ConfigurationError(problems)
    return Settings(
        tenant_id=tenant_id,
        username=username,
        password=Secret(password),
        secret_key=Secret(secret_key),
        retired_secret_keys=tuple(Secret(key) for key in retired_secret_keys),
        base_url=url,
        timeout=timeout,
        max_retries=max_retries,
    )


def settings_of(params: Mapping[str, Any]) -> Settings:
    """`settings` of a client's parameters.

    Raises:
        ConfigurationError: names every problem at once, but unknown parameters before all others.
    """
    unknown = [f"a client has no parameter {name!r}" for name in params if name not in _PARAMETERS]
    if unknown:
        raise ConfigurationError(unknown)
    return settings(**params)


_PARAMETERS = frozenset(settings.__kwdefaults__ or ())


def timeout_problem(timeout: object) -> str | None:
    """What is wrong with a timeout, of a client or of a call."""
    # The comparison is false for NaN as well. What is much longer does not fit the operating system's clock.
    if isinstance(timeout, int | float) and type(timeout) is not bool and 0 < timeout <= defaults.TIMEOUT_MOST:
        return None
    return (
        f"must be a positive number of seconds, up to {defaults.TIMEOUT_MOST:.0f}, not {_number(timeout)};"
        " without one a call could hang for good"
    )


def retries_problem(max_retries: object) -> str | None:
    """What is wrong with a number of retries, of a client or of a call."""
    if type(max_retries) is int and max_retries >= 0:
        return None
    return f"must be an int of 0 or more, not {_number(max_retries)}"


def _number(value: object) -> str:
    """A number as it is, anything else by its type: what was put there by mistake might be a secret."""
    return repr(value)[:40] if isinstance(value, int | float) or value is None else type(value).__name__


def _encodes(text: str) -> bool:
    return not any("\ud800" <= char <= "\udfff" for char in text)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _told(value: object) -> str:
    return repr(value) if isinstance(value, int) else type(value).__name__


def _base_url(environment: object, base_url: object, problems: list[str]) -> str:
    if base_url is None:
        if not isinstance(environment, str) or environment not in ENVIRONMENTS:
            problems.append(f"environment must be one of {', '.join(ENVIRONMENTS)}")
            return ""
        return ENVIRONMENTS[environment]
    if not isinstance(base_url, str):
        problems.append(f"base_url must be a str, not {type(base_url).__name__}")
        return ""
    if any(char.isspace() or not char.isprintable() for char in base_url):
        problems.append("base_url has blanks or control characters in it, which a copy and paste leaves behind")
        return ""
    try:
        parts = urlsplit(base_url)
        host = parts.hostname
        _ = parts.port
        httpx.URL(base_url)
    except (ValueError, httpx.InvalidURL):  # whose text quotes it, and what was pasted there may be a secret
        problems.append("base_url is not a URL: its host or port can't be read")
        return ""
    if parts.scheme not in ("https", "http") or not host or not base_url.isascii():
        problems.append("base_url must be an absolute URL such as https://payments.commerce.asia")
    elif parts.scheme == "http" and host not in LOOPBACK:
        problems.append(f"base_url is plain http to {host}: the gateway requires TLS; http is for this machine alone")
    if "?" in base_url or "#" in base_url or "@" in parts.netloc:
        problems.append("base_url must have no query, fragment, user name or password")
    # In lower case, so that nobody who asks whether it is https is told no by an HTTPS://.
    return parts.scheme + base_url[len(parts.scheme) :].rstrip("/")


def from_environment(options: Mapping[str, Any], variables: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """The client's arguments out of `COMMERCEPAY_*` variables; `options` win over them.

    Raises:
        ConfigurationError: names every variable that is missing or unreadable.
    """
    found: dict[str, Any] = {
        name: variables.get(f"COMMERCEPAY_{name.upper()}", "") or None
        for name in ("tenant_id", "username", "password", "secret_key", "environment", "base_url")
    }
    if options.get("environment") is not None:
        found["base_url"] = None  # who asks for an environment does not get a sandbox that a shell was left with
    found |= options
    problems: list[str] = []
    missing = [f"COMMERCEPAY_{name.upper()}" for name in REQUIRED if found[name] is None]
    if missing:
        problems.append(f"the environment lacks {', '.join(missing)}")
    if isinstance(tenant_id := found["tenant_id"], str):
        if tenant_id.strip().isdecimal() and tenant_id.isascii():
            found["tenant_id"] = int(tenant_id)
        else:
            problems.append("COMMERCEPAY_TENANT_ID must be a number")
    found["environment"] = found["environment"] or "staging"
    if found["base_url"] is None and found["environment"] not in ENVIRONMENTS:
        problems.append(f"COMMERCEPAY_ENVIRONMENT must be one of {', '.join(ENVIRONMENTS)}")
    if problems:
        raise ConfigurationError(problems)
    return found
