"""The settings of a client, checked. docs/configuration.md describes the rules for applications."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlsplit

from commercepay._base.hosts import PRODUCTION_URL, STAGING_URL, is_loopback, is_public, is_unspecified
from commercepay._base.json_guards import is_array
from commercepay._base.record import Record
from commercepay._base.secret import Secret, hide
from commercepay._base.suggestions import did_you_mean, meant
from commercepay._base.text import has_lone_surrogate, shown
from commercepay._base.token_store import AsyncTokenStore, TokenStore
from commercepay._protocol import defaults
from commercepay._protocol.http_library import httpx
from commercepay._protocol.published import SANDBOX_CREDENTIALS, SANDBOX_URL
from commercepay.errors import ConfigurationError
from commercepay.params import ClientParams

log = logging.getLogger("commercepay")

STAGING, PRODUCTION, SANDBOX, CUSTOM = "staging", "production", "sandbox", "custom"

ENVIRONMENTS: Final = {
    STAGING: STAGING_URL,
    PRODUCTION: PRODUCTION_URL,
    SANDBOX: SANDBOX_URL,
}
"""The servers (source: public integrations), each with separate credentials. `custom` is any other base URL."""

REQUIRED: Final = ("tenant_id", "username", "password", "secret_key")

VARIABLES: Final = {
    name: f"COMMERCEPAY_{name.upper()}" for name in (*REQUIRED, "environment", "base_url", "token_store")
}
"""The environment variables that `from_env` reads."""

PARAMETERS: Final = tuple(ClientParams.__annotations__)

_NOT_SETTINGS: Final = ("http_client", "transport")
"""Arguments of the clients that are checked elsewhere."""

_PUBLISHED_KEYS: Final = frozenset(one.secret_key for one in SANDBOX_CREDENTIALS)

_OWN_NAMES: Final[Mapping[str, str]] = MappingProxyType({})


class Settings(Record):
    """Everything that one client is built from. It holds secrets, and neither shows nor pickles them.

    Attributes:
        environment: `staging`, `production`, `sandbox`, or `custom` for another server.
    """

    tenant_id: int
    username: str
    password: Secret
    secret_key: Secret
    retired_secret_keys: tuple[Secret, ...]
    environment: str
    base_url: str
    timeout: float
    connect_timeout: float
    max_retries: int
    max_response_bytes: int
    token_store: TokenStore | AsyncTokenStore | Secret | None
    """A store, or the URL of one."""

    _aside = ("token_store",)  # one of the user's own may show a password


def settings_of(params: Mapping[str, Any], names: Mapping[str, str] = _OWN_NAMES) -> Settings:
    """Check what the application passed (see `commercepay.params.ClientParams`).

    Args:
        params: the client's parameters.
        names: for errors, the variable that a parameter was read from, if it was.

    Raises:
        ConfigurationError: names every problem at once, but unknown parameters before all others.
    """
    known = (*PARAMETERS, *_NOT_SETTINGS)
    if unknown := [name for name in params if name not in PARAMETERS]:
        raise ConfigurationError([f"a client has no parameter {name!r}{did_you_mean(name, known)}" for name in unknown])
    return _Check(params, names).settings()


class _Check:
    """One check of all parameters, which collects the problems."""

    def __init__(self, params: Mapping[str, Any], names: Mapping[str, str]) -> None:
        self._given = dict(params)
        self._names = names
        # Only of variables: a value that really has quotes around it can be passed as an argument.
        self._quoted = {name for name in names if _is_quoted(params.get(name))}
        self._problems: list[str] = []

    def settings(self) -> Settings:
        environment, base_url = self._server()
        if environment == SANDBOX:
            self._use_published_credentials()
        self._tenant()
        for name in ("username", "password", "secret_key"):
            self._text(name)
        retired = self._retired_keys()
        token_store = self._token_store()
        if environment in (STAGING, PRODUCTION):
            self._refuse_published_keys(environment, retired)
        timeout = self._given.get("timeout", defaults.TIMEOUT)
        max_retries = self._given.get("max_retries", defaults.MAX_RETRIES)
        connect_timeout = self._given.get("connect_timeout", defaults.CONNECT_TIMEOUT)
        max_response_bytes = self._given.get("max_response_bytes", defaults.MAX_RESPONSE_BYTES)
        self._add("timeout", timeout_problem(timeout))
        self._add("connect_timeout", timeout_problem(connect_timeout))
        if type(max_response_bytes) is not int or max_response_bytes <= 0:
            self._add("max_response_bytes", f"must be a positive int, not {_number(max_response_bytes)}")
        self._add("max_retries", retries_problem(max_retries))
        if self._problems:
            raise ConfigurationError(self._problems)
        return Settings(
            tenant_id=self._given["tenant_id"],
            username=self._given["username"],
            password=Secret(self._given["password"]),
            secret_key=Secret(self._given["secret_key"]),
            retired_secret_keys=tuple(Secret(key) for key in retired),
            environment=environment,
            base_url=base_url,
            timeout=timeout,
            connect_timeout=connect_timeout,
            max_retries=max_retries,
            max_response_bytes=max_response_bytes,
            token_store=token_store,
        )

    def _name(self, parameter: str) -> str:
        return self._names.get(parameter, parameter)

    def _add(self, parameter: str, problem: str | None) -> None:
        if parameter in self._quoted:
            problem = "has quotes around it, which are part of the value in an env file of Docker: leave them out"
        if problem is not None and (text := f"{self._name(parameter)} {problem}") not in self._problems:
            self._problems.append(text)

    # --- the server ---------------------------------------------------------------------------------------------------

    def _server(self) -> tuple[str, str]:
        """The environment and the base URL that the two parameters give together."""
        environment: Any = self._given.get("environment")
        wrong = "environment" in self._given and not (isinstance(environment, str) and environment in ENVIRONMENTS)
        if wrong:
            hint = did_you_mean(environment, ENVIRONMENTS) if isinstance(environment, str) else ""
            self._add("environment", f"must be one of {', '.join(ENVIRONMENTS)}{hint}")
            environment = None
        if self._given.get("base_url") is None:
            environment = environment or STAGING
            return environment, ENVIRONMENTS[environment]
        url, problems = _base_url(self._given["base_url"])
        if url and not wrong:
            environment, conflicts = self._agree(environment, url)
            problems += conflicts
        for problem in problems:
            self._add("base_url", problem)
        return environment or CUSTOM, url

    def _agree(self, environment: str | None, url: str) -> tuple[str, list[str]]:
        """The environment of a base URL, and what is wrong with the two together."""
        host = _host(url)
        owner = next((name for name in (STAGING, PRODUCTION) if _same(url, ENVIRONMENTS[name])), None)
        problems: list[str] = []
        if environment == SANDBOX:
            conflict = host in (_host(ENVIRONMENTS[STAGING]), _host(ENVIRONMENTS[PRODUCTION]))
        else:
            conflict = environment is not None and environment != owner
        if environment is not None and conflict:
            problems.append(
                f"is {url!r}, but {self._name('environment')} is {environment!r}, which is {ENVIRONMENTS[environment]}:"
                " give only one of the two"
            )
        if url.startswith("http:") and environment != SANDBOX and not is_loopback(host):
            problems.append(
                f"is plain http to {host}: the gateway requires TLS. Plain http is for this machine (loopback), and for"
                " the environment 'sandbox'"
            )
        return environment or owner or CUSTOM, problems

    # --- credentials --------------------------------------------------------------------------------------------------

    def _use_published_credentials(self) -> None:
        given = {name: self._given[name] for name in REQUIRED if self._given.get(name) is not None}
        published = next(
            (one for one in SANDBOX_CREDENTIALS if one.tenant_id == given.get("tenant_id")), SANDBOX_CREDENTIALS[0]
        )
        others = [self._name(name) for name, value in given.items() if value != getattr(published, name)]
        if others:
            self._problems.append(
                f"{self._name('environment')} is 'sandbox', to which only the sandbox's published credentials are sent:"
                f" leave out {', '.join(others)}"
            )
        self._quoted -= set(REQUIRED)
        self._given |= {name: getattr(published, name) for name in REQUIRED}

    def _tenant(self) -> None:
        value = self._given.get("tenant_id")
        if value is None:
            self._add("tenant_id", "is missing")
        elif type(value) is not int or not 0 < value < 2**63:
            from_variable = "tenant_id" in self._names
            self._add(
                "tenant_id",
                "must be a positive whole number" if from_variable else f"must be a positive int, not {_number(value)}",
            )

    def _text(self, name: str) -> None:
        value = self._given.get(name)
        self._add(name, "is missing" if value is None else _text_problem(value, blanks=name == "password"))

    def _retired_keys(self) -> list[str]:
        keys: object = self._given.get("retired_secret_keys", ())
        if not is_array(keys):
            self._add("retired_secret_keys", f"must be a list or tuple of str, not {type(keys).__name__}")
            return []
        problems = [problem for key in keys if (problem := _text_problem(key))]
        for problem in problems:
            self._add("retired_secret_keys", f"has a key that {problem}")
        return [] if problems else list(keys)

    def _token_store(self) -> TokenStore | AsyncTokenStore | Secret | None:
        given: Any = self._given.get("token_store")
        if given is None:
            return None
        problems: Iterable[str | None] = ()
        if not isinstance(given, str):
            if not all(callable(getattr(given, method, None)) for method in ("load", "save", "lock")):
                problems = [f"must be a URL, or a store with load, save and lock, not {_number(given)}"]
        elif problem := _text_problem(given):
            problems = [problem]
        else:
            from commercepay.tokens import store_at

            try:
                store_at(given)
            except ConfigurationError as error:
                problems = [f"can't be used: {problem}" for problem in error.problems]
            except ModuleNotFoundError as error:
                problems = [f"can't be used: {error}"]
        for problem in problems:
            self._add("token_store", problem)
        return Secret(given) if isinstance(given, str) else given

    def _refuse_published_keys(self, environment: str, retired: list[str]) -> None:
        for name, keys in (("secret_key", [self._given.get("secret_key")]), ("retired_secret_keys", retired)):
            if any(isinstance(key, str) and key in _PUBLISHED_KEYS for key in keys):
                self._add(
                    name,
                    f"has the sandbox's key, which is published, so that anybody could forge a callback: {environment}"
                    " needs a separate key",
                )


def _text_problem(value: object, *, blanks: bool = False) -> str | None:
    """What is wrong with a user name or a secret, which is never shown; `blanks`: whether blanks around it are allowed."""
    if not isinstance(value, str):
        return f"must be a non-empty str, not {type(value).__name__}"
    if not value:
        return "must be a non-empty str"
    if has_lone_surrogate(value):
        return "has a lone surrogate, which comes from bytes in an environment variable that are not UTF-8"
    if "\r" in value or "\n" in value:
        return "has a line end, which a file or `echo` adds"
    if value != value.strip() and not blanks:
        return "has blanks around it, which copy and paste adds"
    return None


def _is_quoted(value: object) -> bool:
    return isinstance(value, str) and len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"


def timeout_problem(timeout: object) -> str | None:
    """What is wrong with a timeout, of a client or of a call."""
    # The comparison is false for NaN as well. What is much longer does not fit the operating system's clock.
    if isinstance(timeout, int | float) and type(timeout) is not bool and 0 < timeout <= defaults.TIMEOUT_MOST:
        return None
    return (
        f"must be a positive number of seconds, up to {defaults.TIMEOUT_MOST:.0f}, not {_number(timeout)};"
        " without one a call could wait forever"
    )


def retries_problem(max_retries: object) -> str | None:
    """What is wrong with a number of retries, of a client or of a call."""
    if type(max_retries) is int and max_retries >= 0:
        return None
    return f"must be an int of 0 or more, not {_number(max_retries)}"


def _number(value: object) -> str:
    """A number in full, anything else by its type: a value in the wrong place might be a secret."""
    return shown(value) if isinstance(value, int | float) or value is None else type(value).__name__


def _base_url(base_url: object) -> tuple[str, list[str]]:
    """A base URL without a slash at its end (empty if it can't be read), and what is wrong with it."""
    if not isinstance(base_url, str):
        return "", [f"must be a str, not {type(base_url).__name__}"]
    if any(char.isspace() or not char.isprintable() for char in base_url):
        return "", ["has blanks, line ends or control characters, which a file or copy and paste adds"]
    try:
        parts = urlsplit(base_url)
        host = parts.hostname
        _ = parts.port
        _ = httpx.URL(base_url).host  # which httpx decodes, and httpx2 does not
        if host and "xn--" in host:
            host.encode().decode("idna")
    except (ValueError, httpx.InvalidURL):  # their text quotes it, and it might be a secret in the wrong place
        return "", ["is not a URL: its host or port can't be read"]
    problems: list[str] = []
    if "?" in base_url or "#" in base_url or "@" in parts.netloc:
        problems.append("must have no query, fragment, user name or password")
    if parts.scheme not in ("https", "http") or not host or not base_url.isascii():
        return "", [*problems, "must be an absolute URL such as https://payments.commerce.asia"]
    # The scheme in lower case: HTTPS:// must count as https wherever it is compared.
    return parts.scheme + base_url[len(parts.scheme) :].rstrip("/"), problems


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""


def _same(url: str, other: str) -> bool:
    return str(httpx.URL(url)).rstrip("/") == str(httpx.URL(other)).rstrip("/")


# --- environment variables --------------------------------------------------------------------------------------------


def from_environment(options: Mapping[str, Any], variables: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """The arguments of a client: `options`, and where one of the seven values is not among them, its variable.

    An option that is None counts as not given, and so does an empty variable.

    Raises:
        ConfigurationError: names every variable and option that is missing or wrong.
    """
    found = {name: value for name, value in options.items() if value is not None}
    names = {name: variable for name, variable in VARIABLES.items() if name not in found}
    found |= hide({name: variables[variable] for name, variable in names.items() if variables.get(variable)})
    if "tenant_id" in names and isinstance(number := found.get("tenant_id"), str) and number.isascii():
        found["tenant_id"] = int(number) if number.isdecimal() and len(number) < 20 else number
    problems = [
        f"{variable} is set, but the variable is {meant}" for variable, meant in misspelt(variables, VARIABLES).items()
    ]
    try:
        settings_of({name: value for name, value in found.items() if name not in _NOT_SETTINGS}, names)
    except ConfigurationError as error:
        problems += error.problems
    if problems:
        raise ConfigurationError(problems)
    return found


def misspelt(variables: Mapping[str, Any], known: Iterable[str]) -> dict[str, str]:
    """The variables that were probably meant to be known ones, each with that one.

    Others that begin with COMMERCEPAY_ are no mistakes: Kubernetes sets COMMERCEPAY_SERVICE_HOST and the like for a service
    of that name, and an application may have COMMERCEPAY_OLD_PASSWORD.

    Args:
        variables: those that are set, with their values; an empty one does not count.
        known: the parameters that can be set by a variable.
    """
    suffixes = [name.upper() for name in known]
    found: dict[str, str] = {}
    for variable, value in variables.items():
        head, separator, suffix = variable.upper().partition("PAY_")
        if not value or not separator or (f"COMMERCEPAY_{suffix}" == variable and suffix in suffixes):
            continue
        if head != "COMMERCE" and meant(head.replace("_", ""), ["COMMERCE"], _LIKENESS) is None:
            continue
        if any(suffix.startswith(f"{one}_") or suffix.endswith(f"_{one}") for one in suffixes):
            continue
        if (suggestion := meant(suffix, suffixes, _LIKENESS)) is not None:
            found[variable] = f"COMMERCEPAY_{suggestion}"
    return found


_LIKENESS: Final = 0.8
"""How much a variable has to resemble a known one to be taken for a mistake (see `suggestions.meant`)."""


# --- the URLs that a payment is opened with ---------------------------------------------------------------------------


def url_problem(settings: Settings, name: str, url: str) -> str | None:
    """What is wrong with a URL in the client's environment.

    Args:
        settings: the client's.
        name: `callback_url` or `return_url`.
        url: an absolute URL of http or https.
    """
    if settings.environment == PRODUCTION:
        return _production_url_problem(url)
    if settings.environment == SANDBOX and name == "callback_url" and _is_public_https(url):
        return (
            f"is https to {_host(url)}, but the sandbox's key is published: anybody could forge a callback to a public"
            " server. Use a URL of this machine or network, or the environment 'staging'"
        )
    return None


@lru_cache(maxsize=128)  # a shop uses the same few in every call
def _production_url_problem(url: str) -> str | None:
    host = _host(url)
    if is_loopback(host) or is_unspecified(host):
        return f"leads to this machine ({host}), where production can't reach it"
    return None if url.lower().startswith("https:") else f"is plain http to {host}; production needs https"


@lru_cache(maxsize=128)
def _is_public_https(url: str) -> bool:
    return url.lower().startswith("https:") and is_public(_host(url))


def warn_if_published(settings: Settings) -> None:
    """Log a warning at the start of a client whose secret key everybody has."""
    if settings.environment == SANDBOX:
        log.warning(
            "environment 'sandbox' (%s): its secret key is published, so anybody can forge a callback. Not for a server"
            " that other people can reach.",
            settings.base_url,
        )
