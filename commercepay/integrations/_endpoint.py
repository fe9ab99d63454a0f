"""What the callback endpoint and the customer's return do, whatever the framework. Knows no framework, and no inbox but by
what it must be able to do.

The answers to the gateway: 200 as soon as the callback is kept (by an inbox) or handled (without one), 401 for a signature
that is wrong, 400 for nonsense, 413 for more bytes than a callback can have. An exception is not caught: it becomes the
framework's own 500, with its logging and its rollback, and the gateway tries again.
"""

from __future__ import annotations

import inspect
import logging
import threading
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeGuard

from commercepay._base.hosts import is_loopback
from commercepay._base.record import Record
from commercepay._calls import checks
from commercepay._protocol import settings
from commercepay.callbacks import MAX_BODY, Callback
from commercepay.client import AsyncCommercePay, CommercePay
from commercepay.decision import Decision
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

TYPE_CHECKING = False
if TYPE_CHECKING:
    from urllib.parse import SplitResult

log = logging.getLogger("commercepay.integrations")

OnCallback = Callable[..., object]
"""The merchant's handler: called with a verified `Callback` and, if an inbox calls it, its connection. May be async."""

FindOrder = Callable[[ReturnHint], "OpenPayment | Awaitable[OpenPayment | None] | None"]
"""The merchant's own record of the order that a return claims to be about, or None. May be async."""

InThread = Callable[..., Awaitable[Any]]
"""How a framework calls a blocking function from async code: `await in_thread(function, *args, **options)`."""

Verify = Callable[[bytes, "str | None", str], Callback]

TOO_LARGE = 413

OPTIONS = settings.PARAMETERS
"""The arguments of a client that a framework's configuration can hold."""


class CallbackInbox(Protocol):
    """What an inbox must be able to do; `commercepay.inbox.Inbox` and `AsyncInbox` are."""

    def receive(
        self, body: bytes, signature: str | None, handler: Any = None, *, callback_url: str | None = None
    ) -> Any:
        """Keep what came, and hand it on. The receipt, now or to be awaited, has an `http_status`."""


class Returned(Record):
    """A customer who came back, and what the gateway said when it was asked about the order just then.

    Attributes:
        hint: what the browser brought back. Unsigned: it says which order to ask about, and nothing else.
        order: the merchant's own record of that order.
        decision: what the gateway says of it; None if it could not be asked.
        error: why it could not be asked, or None. The callback or the next reconciliation will show it.
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
        on_callback: the merchant's handler; needed unless there is an inbox.
        inbox: an inbox, or a function that makes it, called when the first callback comes.
        find_order: the merchant's record of an order; needed for returns alone.

    Raises:
        ConfigurationError: names everything that is wrong.
    """

    def __init__(
        self,
        *,
        callback_url: object,
        on_callback: OnCallback | None = None,
        inbox: CallbackInbox | Callable[[], CallbackInbox] | None = None,
        find_order: FindOrder | None = None,
    ) -> None:
        problems = [problem for problem in [_url_problem(callback_url)] if problem]
        if on_callback is None and inbox is None:
            problems.append("give on_callback or inbox: somebody has to take the callbacks")
        problems += [
            f"{name} must be a function, not {type(function).__name__}"
            for name, function in (("on_callback", on_callback), ("find_order", find_order))
            if function is not None and not callable(function)
        ]
        if inbox is not None and not _is_inbox(inbox) and not callable(inbox):
            problems.append(
                f"inbox must have receive(), or be a function that makes an inbox, not {type(inbox).__name__}"
            )
        if _is_inbox(inbox) and is_async(on_callback) and not is_async(inbox.receive):
            problems.append("on_callback is async, but the inbox is not: use an AsyncInbox")
        if problems:
            raise ConfigurationError(problems)
        self.callback_url = str(callback_url)
        self._on_callback = on_callback
        self._find_order = find_order
        self._inbox = inbox if _is_inbox(inbox) else None
        self._make_inbox: Any = None if _is_inbox(inbox) else inbox
        self._lock = threading.Lock()

    @property
    def path(self) -> str:
        """Of the callback URL."""
        return _split(self.callback_url).path or "/"

    def sync_problems(self) -> list[str]:
        """What can't work in a framework, or a view, that does not await."""
        return [
            f"{name} is async, but the callback endpoint is not"
            for name, given in (("on_callback", self._on_callback), ("inbox", self._inbox and self._inbox.receive))
            if given is not None and is_async(given)
        ]

    def environment_problems(self, client: settings.Settings) -> list[str]:
        """What is wrong with the callback URL in the environment of the client."""
        parts = _split(self.callback_url)
        problem = settings.url_problem(client, "callback_url", self.callback_url)
        if problem is None and client.environment != settings.SANDBOX and parts.scheme != "https":
            host = parts.hostname or ""
            if not is_loopback(host):
                problem = f"is plain http to {host}: callbacks need TLS. Plain http is for loopback and the sandbox"
        return [] if problem is None else [f"callback_url {problem}"]

    # --- callbacks: the same thing, said twice ------------------------------------------------------------------------

    def receive(self, verify: Verify, body: bytes, signature: str | None) -> int:
        """Take a callback; the HTTP status to answer with."""
        if problems := self.sync_problems():
            raise ConfigurationError(problems)
        signature = _unshown(signature)
        if (inbox := self._the_inbox()) is not None:
            receipt = inbox.receive(body, signature, self._on_callback, callback_url=self.callback_url)
            return _status(_not_awaitable(receipt, "inbox"))
        callback = self._verified(verify, body, signature)
        if isinstance(callback, Callback):
            _not_awaitable(self._handler(callback), "on_callback")
            return 200
        return callback

    async def areceive(self, verify: Verify, body: bytes, signature: str | None, in_thread: InThread) -> int:
        """See `receive`."""
        signature = _unshown(signature)
        if (inbox := self._the_inbox()) is not None:
            url = self.callback_url
            return _status(await _call(in_thread, inbox.receive, body, signature, self._on_callback, callback_url=url))
        callback = self._verified(verify, body, signature)
        if isinstance(callback, Callback):
            await _call(in_thread, self._handler, callback)
            return 200
        return callback

    def _verified(self, verify: Verify, body: bytes, signature: str | None) -> Callback | int:
        try:
            return verify(body, signature, self.callback_url)
        except CallbackError as error:
            log.warning("callback rejected: %s", error.reason)
            return 401 if error.is_forgery else 400

    @property
    def _handler(self) -> OnCallback:
        assert self._on_callback is not None  # or there is an inbox
        return self._on_callback

    def _the_inbox(self) -> CallbackInbox | None:
        # An engine must not be shared with a parent process: when the first callback comes, a pre-fork server has forked.
        with self._lock:
            if self._inbox is None and self._make_inbox is not None:
                made: object = self._make_inbox()
                if not _is_inbox(made):
                    raise ConfigurationError(f"inbox() must return an inbox, not {type(made).__name__}")
                self._inbox = made
        return self._inbox

    # --- returns: the same thing, said twice --------------------------------------------------------------------------

    def returned(self, cp: CommercePay, query: str) -> Returned | None:
        """Ask the gateway about the order that a customer came back from; None if the merchant knows no such order."""
        hint = read_return(query)
        order = _order(_not_awaitable(self._finder(hint), "find_order"))
        if order is None:
            return None
        try:
            decision = cp.payments.confirm(order.expected, **order.number)
        except _NO_ANSWER as error:
            return _unanswered(hint, order, error)
        return Returned(hint=hint, order=order, decision=decision, error=None)

    async def areturned(self, cp: AsyncCommercePay, query: str, in_thread: InThread) -> Returned | None:
        """See `returned`."""
        hint = read_return(query)
        order = _order(await _call(in_thread, self._finder, hint))
        if order is None:
            return None
        try:
            decision = await cp.payments.confirm(order.expected, **order.number)
        except _NO_ANSWER as error:
            return _unanswered(hint, order, error)
        return Returned(hint=hint, order=order, decision=decision, error=None)

    @property
    def _finder(self) -> FindOrder:
        if self._find_order is None:
            raise ConfigurationError("a return needs find_order: the merchant's own record says what to ask about")
        return self._find_order


# --- reading a request ------------------------------------------------------------------------------------------------


class Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


def says_too_large(content_length: str | None) -> bool:
    """Whether a body need not even be read."""
    digits = (content_length or "").strip()
    return digits.isdecimal() and (len(digits) > 18 or int(digits) > MAX_BODY)


def read(stream: Readable) -> bytes | None:
    """The body; None if it is larger than any callback, of which no more is read than shows it."""
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

_NO_ANSWER = (APIConnectionError, InvalidResponse, APIError)


def _unanswered(hint: ReturnHint, order: OpenPayment, error: CommercePayError) -> Returned:
    log.warning("a customer is back, but the gateway could not be asked: %s", type(error).__name__)
    return Returned(hint=hint, order=order, decision=None, error=error)


def _order(found: object) -> OpenPayment | None:
    if found is None or isinstance(found, OpenPayment):
        return found
    raise ConfigurationError(f"find_order must return an OpenPayment or None, not {type(found).__name__}")


class _Unshown(str):
    """A signature. Error pages show local variables by their repr, and whoever has it can replay the callback."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


def _unshown(signature: str | None) -> str | None:
    return None if signature is None else _Unshown(signature)


def _split(url: str) -> SplitResult:
    from urllib.parse import urlsplit

    return urlsplit(url)


def _url_problem(url: object) -> str | None:
    if url is None:
        return "callback_url is missing"
    if problem := checks.url(url):
        return f"callback_url {problem}"
    parts = _split(str(url))
    if parts.query or parts.fragment:
        return "callback_url must have no query and no fragment: they are not part of what is signed"
    return None


def _is_inbox(given: object) -> TypeGuard[CallbackInbox]:
    return callable(getattr(given, "receive", None))


def _status(receipt: Any) -> int:
    status: int = receipt.http_status
    return status


def is_async(function: object) -> bool:
    """Whether calling it gives something to be awaited; of an object with `__call__`, that is asked."""
    return any(map(inspect.iscoroutinefunction, (function, getattr(type(function), "__call__", None))))  # noqa: B004  # asked what its call is, not whether it has one


async def _call(in_thread: InThread, function: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """Call what may be async or blocking, without blocking the event loop."""
    result = await (function(*args, **options) if is_async(function) else in_thread(function, *args, **options))
    return await result if inspect.isawaitable(result) else result


def _not_awaitable(result: Any, name: str) -> Any:
    """A coroutine that nobody awaits would be a handler that did nothing, and was answered for with 200."""
    if inspect.isawaitable(result):
        if inspect.iscoroutine(result):
            result.close()
        raise ConfigurationError(f"{name} is async, but the endpoint is not")
    return result
