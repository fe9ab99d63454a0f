"""The callback endpoint and the customer's return, for every framework. Imports no framework and no inbox.

Responses to the gateway: 200 when the callback is stored (with an inbox) or handled (without one), 401 for a wrong signature,
400 for a body that is not a callback, 413 for a body that is too large, 503 when the inbox could not store it in time. An
exception is not caught: it becomes the framework's 500, with its logging and its rollback, and the gateway tries again.
"""

from __future__ import annotations

import inspect
import logging
import threading
from collections.abc import Awaitable, Callable, Generator, Mapping
from functools import partial
from typing import Any, NamedTuple, Protocol, TypeVar
from urllib.parse import unquote, urlsplit

from commercepay._base.flow import Pause, adrive, drive
from commercepay._base.hosts import is_loopback
from commercepay._base.json_guards import is_array
from commercepay._base.record import Record
from commercepay._calls import checks
from commercepay._protocol import settings
from commercepay.callbacks import MAX_BODY, Verifier
from commercepay.client import AsyncCommercePay, CommercePay
from commercepay.decision import Decision, Expected
from commercepay.errors import (
    APIConnectionError,
    APIError,
    CallbackError,
    CommercePayError,
    ConfigurationError,
    InvalidResponse,
)
from commercepay.reconciliation import OpenPayment
from commercepay.returns import ReturnHint, read_return

log = logging.getLogger("commercepay.integrations")

OnCallback = Callable[..., object]
"""The merchant's handler: called with a verified `Callback` and, if an inbox calls it, its connection. May be async."""

FindOrder = Callable[[ReturnHint], "Expected | Awaitable[Expected | None] | None"]
"""Returns the merchant's record of the order in a return, an `OpenPayment`, or None. May be async."""

InThread = Callable[..., Awaitable[Any]]
"""How a framework calls a blocking function from async code: `await in_thread(function, *args, **options)`."""

TOO_LARGE = 413

OPTIONS = settings.PARAMETERS
"""The arguments of a client that a framework's configuration can hold."""


class CallbackInbox(Protocol):
    """What an inbox must have; `commercepay.inbox.Inbox` and `AsyncInbox` have it.

    One with `on_settled` has `find_order` and `settle`, too: a return is then settled by it.
    """

    def receive(self, body: bytes, signature: str | None, handler: Any = None) -> Any:
        """Store a callback and have it handled. The receipt, now or to be awaited, has an `http_status`."""


MakeInbox = Callable[[Verifier], CallbackInbox]
"""The merchant's function that makes the inbox: `lambda verifier: Inbox(engine, verify=verifier.verify)`. It is called once,
when the first callback comes: a pre-fork server has forked by then, and an engine must not be shared with a parent process."""

T = TypeVar("T")


class Step(NamedTuple):
    """A call of something that may be async: the merchant's function, the inbox, or the client."""

    name: str
    function: Callable[..., Any]
    args: tuple[object, ...]
    options: Mapping[str, object] = {}  # never changed


Flow = Generator[Step | Pause, Any, T]


class Returned(Record):
    """A customer who came back, and what the gateway then reported about the order.

    Attributes:
        hint: what the browser brought back. Unsigned: it shows which order to ask about, and nothing else.
        order: your record of that order.
        decision: the decision about the order; None if the gateway could not be asked.
        error: why it could not be asked, or None. Wait for the callback, or reconcile.
    """

    hint: ReturnHint
    order: OpenPayment
    decision: Decision | None
    error: CommercePayError | None

    @property
    def is_paid(self) -> bool:
        """Whether the gateway was asked and the order is paid."""
        return self.decision is not None and self.decision.is_paid


class Endpoint:
    """One merchant's endpoint, as configured.

    Args:
        callback_url: the public URL that payments are opened with. Never taken from a request: behind a proxy that shows
            another one, and callbacks are signed over this one.
        former_callback_urls: URLs that payments were opened with before.
        on_callback: the merchant's handler; needed unless there is an inbox.
        inbox: makes the inbox.
        find_order: the merchant's record of an order; needed only for returns, and not if the inbox has one.

    Raises:
        ConfigurationError: names everything that is wrong.
    """

    def __init__(
        self,
        *,
        callback_url: object,
        former_callback_urls: object = None,
        on_callback: OnCallback | None = None,
        inbox: MakeInbox | None = None,
        find_order: FindOrder | None = None,
    ) -> None:
        former = former_callback_urls or ()
        urls = [callback_url, *(former if is_array(former) else ())]
        problems = [problem for url in urls if (problem := _url_problem(url))]
        if not is_array(former):
            problems.append(f"former_callback_urls must be a list or tuple of str, not {type(former).__name__}")
        if on_callback is None and inbox is None:
            problems.append("give on_callback or inbox: without either, no callback would be handled or stored")
        problems += [
            f"{name} must be a function, not {type(function).__name__}"
            for name, function in (("on_callback", on_callback), ("find_order", find_order))
            if function is not None and not callable(function)
        ]
        if inbox is not None and not callable(inbox):
            problems.append(
                f"inbox must be a function that makes the inbox, not {type(inbox).__name__}: write"
                " inbox=lambda verifier: Inbox(engine, verify=verifier.verify), so that the keys and the URL are given once"
            )
        if problems:
            raise ConfigurationError(problems)
        self.callback_urls = tuple(map(str, urls))
        self._on_callback = on_callback
        self._find_order = find_order
        self._make_inbox = inbox
        self._inbox: CallbackInbox | None = None
        self._explained: set[tuple[str, ...]] = set()
        self._lock = threading.Lock()

    @property
    def callback_url(self) -> str:
        return self.callback_urls[0]

    @property
    def path(self) -> str:
        """The path of the callback URL, as frameworks show it: decoded."""
        return _path(self.callback_url)

    def paths(self, callback_path: str | None) -> list[str]:
        """The paths of the routes: of the callback URL, or `callback_path` instead, and of the former URLs.

        Each with and without a slash at the end: a POST is not redirected, and the signature is the same.
        """
        bare = [path.rstrip("/") for path in (callback_path or self.path, *map(_path, self.callback_urls[1:]))]
        return list(dict.fromkeys(path for one in bare for path in ((one, one + "/") if one else ("/",))))

    def sync_problems(self) -> list[str]:
        """The async functions, which a sync framework or view can't await."""
        return [
            f"{name} is async, but the callback endpoint is not"
            for name, function in (("on_callback", self._on_callback), ("inbox", self._inbox and self._inbox.receive))
            if is_async(function)
        ]

    def environment_problems(self, client: settings.Settings) -> list[str]:
        """What is wrong with the callback URL in the environment of the client."""
        parts = urlsplit(self.callback_url)
        problem = settings.url_problem(client, "callback_url", self.callback_url)
        if problem is None and client.environment != settings.SANDBOX and parts.scheme != "https":
            host = parts.hostname or ""
            if not is_loopback(host):
                problem = f"is plain http to {host}: callbacks need TLS. Plain http is for loopback and the sandbox"
        return [] if problem is None else [f"callback_url {problem}"]

    def verifier(self, keys: Verifier) -> Verifier:
        """The client's verifier, for this endpoint's URLs."""
        return keys.at(self.callback_urls)

    def inbox(self, keys: Verifier) -> CallbackInbox | None:
        """The inbox, made at the first call; None if there is none."""
        with self._lock:
            if self._inbox is None and self._make_inbox is not None:
                made: object = self._make_inbox(self.verifier(keys))
                if not callable(getattr(made, "receive", None)):
                    raise ConfigurationError(f"inbox() must return an inbox, not {type(made).__name__}")
                self._inbox = made  # type: ignore[assignment]  # it has receive
        return self._inbox

    # --- callbacks and returns: one flow each, for sync and async ------------------------------------------------------

    def receive(self, keys: Verifier, body: bytes, signature: str | None, request_url: str | None) -> int:
        """Take a callback; the HTTP status of the response.

        Args:
            request_url: the URL of the request as the framework shows it, to explain a wrong signature.
        """
        if problems := self.sync_problems():
            raise ConfigurationError(problems)
        return drive(self._receive(keys, body, signature, request_url), _perform)

    async def areceive(
        self, keys: Verifier, body: bytes, signature: str | None, request_url: str | None, in_thread: InThread
    ) -> int:
        """See `receive`."""
        return await adrive(self._receive(keys, body, signature, request_url), partial(_aperform, in_thread))

    def returned(self, cp: CommercePay, query: str) -> Returned | None:
        """Ask the gateway about the order that a customer came back from; None if the merchant has no such order."""
        return drive(self._returned(cp, query), _perform)

    async def areturned(self, cp: AsyncCommercePay, query: str, in_thread: InThread) -> Returned | None:
        """See `returned`."""
        return await adrive(self._returned(cp, query), partial(_aperform, in_thread))

    def _receive(self, keys: Verifier, body: bytes, signature: str | None, request_url: str | None) -> Flow[int]:
        if (inbox := self.inbox(keys)) is not None:
            receipt = yield Step("inbox", inbox.receive, (body, signature, self._on_callback))
            status: int = receipt.http_status
            return status
        try:
            callback = keys.verify(body, signature, self.callback_urls, request_url=request_url)
        except CallbackError as error:
            self._log(error)
            return 401 if error.is_forgery else 400
        assert self._on_callback is not None  # or there is an inbox
        yield Step("on_callback", self._on_callback, (callback,))
        return 200

    def _log(self, error: CallbackError) -> None:
        """Log one line. Of each kind of explanation, only the first is logged: many callbacks may be wrong for one reason."""
        explanation = error.explanation
        if explanation is None or explanation.kinds in self._explained:
            log.warning("callback rejected: %s", error.reason)
        else:
            self._explained.add(explanation.kinds)
            log.warning("callback rejected: %s: %s", error.reason, explanation)

    def _returned(self, cp: CommercePay | AsyncCommercePay, query: str) -> Flow[Returned | None]:
        inbox: Any = self.inbox(cp.callbacks)
        find_order = self._find_order or getattr(inbox, "find_order", None)
        if find_order is None:
            raise ConfigurationError("a return needs find_order: your record shows which payment to ask about")
        hint = read_return(query)
        order: object = yield Step("find_order", find_order, (hint,))
        if order is None or type(order) is Expected:  # an order without a number can't be asked about
            return None
        if not isinstance(order, OpenPayment):
            raise ConfigurationError(f"find_order must return an OpenPayment or None, not {type(order).__name__}")
        decision = failure = None
        try:
            decision = yield Step("confirm", cp.payments.confirm, (order.expected,), order.number)
        except (APIConnectionError, InvalidResponse, APIError, ConfigurationError) as error:
            log.warning("a customer returned, but the query failed: %s", type(error).__name__)
            failure = error
        if decision is not None and getattr(inbox, "on_settled", None) is not None:
            yield Step("settle", inbox.settle, (decision,))
        return Returned(hint=hint, order=order, decision=decision, error=failure)


def _perform(step: Step) -> object:
    result: object = step.function(*step.args, **step.options)
    if inspect.isawaitable(result):  # a handler that is never awaited does nothing: not a success
        if inspect.iscoroutine(result):
            result.close()
        raise ConfigurationError(f"{step.name} is async, but the endpoint is not")
    return result


async def _aperform(in_thread: InThread, step: Step) -> object:
    """Call what may be async or blocking, without blocking the event loop."""
    if is_async(step.function):
        result: object = step.function(*step.args, **step.options)
    else:
        result = await in_thread(step.function, *step.args, **step.options)
    return await result if inspect.isawaitable(result) else result


# --- reading a request ------------------------------------------------------------------------------------------------


class Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


def announces_too_large(content_length: str | None) -> bool:
    """Whether the header announces a body that is too large to be read."""
    digits = (content_length or "").strip()
    return digits.isdecimal() and (len(digits) > 18 or int(digits) > MAX_BODY)


def read(stream: Readable) -> bytes | None:
    """The body; None if it is larger than any callback. No more is read than is needed to find that out."""
    pieces: list[bytes] = []
    left = MAX_BODY + 1
    while left > 0 and (piece := stream.read(left)):
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces) if left > 0 else None


def too_large() -> int:
    log.warning("callback rejected: more than %d bytes", MAX_BODY)
    return TOO_LARGE


# --- small things -----------------------------------------------------------------------------------------------------


def _path(url: str) -> str:
    return unquote(urlsplit(url).path) or "/"


def _url_problem(url: object) -> str | None:
    if url is None:
        return "callback_url is missing"
    if problem := checks.url(url):
        return f"callback_url {problem}"
    parts = urlsplit(str(url))
    if parts.query or parts.fragment:
        return "callback_url must have no query and no fragment: they are not part of what is signed"
    if set(_path(str(url))) & set("{}<>"):
        return "callback_url has one of {}<> in its path, which the routes of frameworks read as a parameter"
    return None


def is_async(function: object) -> bool:
    """Whether the result of a function must be awaited. For another object, its `__call__` decides."""
    return any(map(inspect.iscoroutinefunction, (function, getattr(type(function), "__call__", None))))  # noqa: B004  # asked what its call is, not whether it has one
