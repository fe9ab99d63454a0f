"""What is wrong between this machine and the gateway, step by step: `commercepay doctor`.

    for finding in examine():
        print(finding)

It reads variables, looks up names, opens connections, logs in once, and queries a payment that can't exist. It changes
nothing, and no finding has a secret.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from email.utils import parsedate_to_datetime
from enum import Enum
from itertools import chain
from typing import Final, Unpack
from urllib.parse import urlsplit

from commercepay._base.hosts import is_loopback
from commercepay._base.record import Record
from commercepay._calls import checks
from commercepay._protocol.environment import certificate_problems, proxy_for
from commercepay._protocol.http_library import httpx
from commercepay._protocol.settings import PRODUCTION, Settings, url_problem
from commercepay.client import CommercePay
from commercepay.errors import (
    APIConnectionError,
    APIError,
    AuthenticationError,
    CommercePayError,
    ConfigurationError,
    InvalidResponse,
    InvalidSignature,
    TransactionNotFound,
)
from commercepay.params import ClientOptions

__all__ = ["NO_PAYMENT", "Finding", "State", "examine"]

NO_PAYMENT: Final = "COMMERCEPAYDOCTOR"
"""The transaction number that is queried. Real ones have 22 or 25 letters and digits (source: public integrations)."""

CLOCK_TOLERANCE: Final = 60.0
"""Seconds. What the gateway accepts is not known."""

CERTIFICATE_DAYS: Final = 14
"""Days before the end of a certificate from which it is a warning."""

_SECONDS: Final = 10.0


class State(Enum):
    """How a step ended."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


class Finding(Record):
    """The result of one step.

    Attributes:
        step: the step, such as `variables` or `TLS`.
        state: how it ended. After a problem, the steps that depend on it are left out.
        text: what was found.
        advice: what to do; empty if there is nothing to do.
    """

    step: str
    state: State
    text: str
    advice: str = ""

    def __str__(self) -> str:
        line = f"{self.state.value:<8} {self.step:<12} {self.text}"
        return f"{line}\n{'':<21} -> {self.advice}" if self.advice else line


def examine(
    *, callback_url: str | None = None, production: bool = False, **options: Unpack[ClientOptions]
) -> Iterator[Finding]:
    """Examine the way to the gateway, step by step. The last finding is a problem unless all steps were possible.

    Args:
        callback_url: your callback URL, to which a request without a signature is sent.
        production: whether production may be called. Its users can be locked out by wrong passwords.
        options: as for `CommercePay.from_env`.
    """
    given: ClientOptions = {"max_retries": 0, "timeout": 3 * _SECONDS, **options}
    try:
        client = CommercePay.from_env(**given)
        if problems := certificate_problems(read=True):
            raise ConfigurationError(problems)
    except ConfigurationError as error:
        for problem in error.problems:
            yield _problem("variables", problem, "Set it as docs/configuration.md describes.")
        return
    with client:
        settings = client.settings
        yield _ok("variables", f"tenant {settings.tenant_id}, {settings.environment}, {settings.base_url}")
        if settings.environment == PRODUCTION and not production:
            yield _problem("environment", "this is production", "Allow it with --production: it is only read.")
            return
        for finding in chain(_network("", settings.base_url), _gateway(client)):
            yield finding
            if finding.state is State.PROBLEM:
                break
        if callback_url is not None:
            yield from _callback(settings, callback_url)


# --- the network ------------------------------------------------------------------------------------------------------


def _network(prefix: str, url: str) -> Iterator[Finding]:
    """Proxy, name, connection, TLS."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    proxy = proxy_for(url)
    if proxy is not None:
        yield _ok(f"{prefix}proxy", f"{proxy.url.host}:{proxy.url.port}, from the environment")
        host, port = proxy.url.host, proxy.url.port or 80
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        advice = "Check the name for a typo, and the DNS server of this machine."
        yield _problem(f"{prefix}name", f"{host} has no address ({_short(error)})", advice)
        return
    yield _ok(f"{prefix}name", f"{host} is {', '.join(sorted({str(one[4][0]) for one in found})[:3])}")
    try:
        connection = socket.create_connection((host, port), timeout=_SECONDS)
    except OSError as error:
        advice = "Check the port, and that a firewall lets this machine connect to it."
        yield _problem(f"{prefix}connection", f"{host}:{port} does not accept a connection ({_short(error)})", advice)
        return
    with connection:
        yield _ok(f"{prefix}connection", f"{host}:{port} accepts connections")
        if parts.scheme == "https" and proxy is None:
            yield _tls(f"{prefix}TLS", connection, host)


def _tls(step: str, connection: socket.socket, host: str) -> Finding:
    try:
        with httpx.create_ssl_context().wrap_socket(connection, server_hostname=host) as secure:
            until = str((secure.getpeercert() or {}).get("notAfter", ""))
            version = secure.version()
    except ssl.SSLCertVerificationError as error:
        return _problem(step, f"the certificate is not accepted: {error.verify_message}", _certificate_advice(error))
    except (ssl.SSLError, OSError) as error:
        advice = "The port may have no TLS. A proxy or firewall may end the connection."
        return _problem(step, f"no TLS on this port ({_short(error)})", advice)
    days = int((ssl.cert_time_to_seconds(until) - time.time()) // 86_400) if until else 0
    if days < CERTIFICATE_DAYS:
        return _warning(step, f"the certificate ends in {days} days", "Renew it if it is yours.")
    return _ok(step, f"{version}, the certificate is valid for {days} days")


_EXPIRED, _OTHER_HOST = 10, (62, 64)
"""Codes of OpenSSL: X509_V_ERR_CERT_HAS_EXPIRED; ..._HOSTNAME_MISMATCH, ..._IP_ADDRESS_MISMATCH."""


def _certificate_advice(error: ssl.SSLCertVerificationError) -> str:
    if error.verify_code == _EXPIRED:
        return "Check the clock of this machine. If it is right, the server must renew its certificate."
    if error.verify_code in _OTHER_HOST:
        return "Check the host for a typo. A proxy or a captive portal may respond instead of it."
    return (
        "A proxy that inspects TLS, or a server with a private authority, needs SSL_CERT_FILE with that authority's"
        " certificate. Never turn verification off."
    )


# --- the gateway ------------------------------------------------------------------------------------------------------


def _gateway(client: CommercePay) -> Iterator[Finding]:
    """Clock, credentials, token and tenant, signature: all by one query of a payment that does not exist."""
    headers: Mapping[str, str] = {}
    failure: CommercePayError | None = None
    try:
        client.payments.query(transaction_number=NO_PAYMENT)
    except (APIError, InvalidResponse) as error:
        failure, headers = error, error.headers
    except CommercePayError as error:
        failure = error
    yield from _clock(headers)
    if isinstance(failure, APIConnectionError):
        yield _problem("gateway", str(failure), "Try again; if it persists, a firewall or proxy may be in between.")
    elif isinstance(failure, InvalidResponse):
        advice = "Check the base URL: a proxy, a firewall or another server responds there."
        yield _problem("gateway", str(failure), advice)
    elif failure is not None and failure.during_login:
        yield _problem("credentials", _first_line(failure), _login_advice(failure))
    else:
        yield from _after_login(client.settings, failure)


def _after_login(settings: Settings, failure: CommercePayError | None) -> Iterator[Finding]:
    yield _ok("credentials", f"Authenticate accepted the user of tenant {settings.tenant_id}")
    if isinstance(failure, AuthenticationError):
        advice = (
            "Check that the tenant id belongs to this user, and that no other program logs in with it all the time."
        )
        yield _problem("tenant", _first_line(failure), advice)
        return
    yield _ok("tenant", "the access token is accepted")
    if isinstance(failure, InvalidSignature) and failure.explanation is not None:
        yield _problem("signature", _first_line(failure), "; ".join(failure.explanation.left))
    elif isinstance(failure, TransactionNotFound):
        yield _ok("signature", "accepted: a query for a payment that does not exist was refused with 2010")
    elif failure is None:
        yield _warning("signature", f"a payment {NO_PAYMENT} exists", "Report it: the number should be free.")
    else:
        yield _problem("signature", _first_line(failure), "The gateway refused the query for another reason.")


def _login_advice(failure: CommercePayError) -> str:
    details = failure.details or "" if isinstance(failure, APIError) else ""
    if "lock" in details.lower():
        return "The user is locked after wrong passwords: wait, or ask CommercePay to unlock it."
    return (
        "Check user name, password and tenant id for typos and for the environment: staging and production have separate"
        " ones. Repeated wrong passwords can lock the user."
    )


def _clock(headers: Mapping[str, str]) -> Iterator[Finding]:
    try:
        seconds = time.time() - parsedate_to_datetime(headers["date"]).timestamp()
    except (KeyError, ValueError, TypeError):
        return  # no response, or one without a usable Date
    if abs(seconds) <= CLOCK_TOLERANCE:
        yield _ok("clock", "agrees with the server's Date")
    else:
        fast = "ahead of" if seconds > 0 else "behind"
        advice = "Set the clock of this machine, by NTP for example: calls carry their time."
        yield _warning("clock", f"this machine is {abs(seconds):.0f} seconds {fast} the server", advice)


# --- the callback URL -------------------------------------------------------------------------------------------------

_CALLBACK: Final = "callback "


def _callback(settings: Settings, url: str) -> Iterator[Finding]:
    problem = checks.url(url) or url_problem(settings, "callback_url", url)
    if problem is None and url.startswith("http:") and not is_loopback(urlsplit(url).hostname or ""):
        problem = "is plain http: callbacks need TLS"
    if problem is not None:
        yield _problem(f"{_CALLBACK}URL", f"{url[:100]} {problem}", "Use the public https URL of your endpoint.")
        return
    yield _ok(f"{_CALLBACK}URL", url)
    for finding in _network(_CALLBACK, url):
        yield finding
        if finding.state is State.PROBLEM:
            return
    try:
        with httpx.Client(
            follow_redirects=False, timeout=_SECONDS, trust_env=not is_loopback(urlsplit(url).hostname or "")
        ) as http:
            status = http.post(url, content=b"{}", headers={"Content-Type": "application/json"}).status_code
    except httpx.HTTPError as error:
        advice = "See the log of your server."
        yield _problem(f"{_CALLBACK}response", f"no response ({type(error).__name__})", advice)
        return
    yield _judged(status)


def _judged(status: int) -> Finding:
    """What a response to a request without a signature means."""
    step, text = f"{_CALLBACK}response", f"HTTP {status} to a request without a signature"
    if status in (400, 401):
        return _ok(step, text)
    if 200 <= status < 300:
        return _problem(
            step, text, "The endpoint accepts what is not signed: anybody could report a payment. Verify it."
        )
    if 300 <= status < 400:
        advice = "Give the URL that it redirects to: a POST is not redirected, and the signature covers the URL."
        return _problem(step, text, advice)
    if status in (404, 405):
        return _problem(step, text, "No endpoint takes a POST there. Check the path and the slash at its end.")
    if status == 403:
        return _problem(step, text, "A CSRF check, a login or a firewall refuses callbacks: exempt the endpoint.")
    return _problem(step, text, "The endpoint should respond with 401. See the log of your server.")


# --- findings ---------------------------------------------------------------------------------------------------------


def _finding(state: State) -> Callable[[str, str, str], Finding]:
    return lambda step, text, advice: Finding(step=step, state=state, text=text, advice=advice)


_problem, _warning = _finding(State.PROBLEM), _finding(State.WARNING)


def _ok(step: str, text: str) -> Finding:
    return Finding(step=step, state=State.OK, text=text)


def _short(error: OSError) -> str:
    return (error.strerror or str(error) or type(error).__name__)[:100]


def _first_line(error: CommercePayError) -> str:
    return str(error).partition("\n")[0]
