"""The log of requests to the gateway, which shows them with their secrets masked.

A request is stored as it was received, and masked when it is first shown: most never are.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from commercepay._base.json_guards import is_array, is_object
from commercepay.sandbox.model import RequestRecord

KEPT: Final = 5000
"""The most requests that are kept ..."""

KEPT_BYTES: Final = 32 * 1024 * 1024
"""... and the most bytes of their bodies and headers, together. The newest request is always kept."""

MASK: Final = "***"
_SECRET_HEADERS: Final = frozenset({"authorization", "cap-signature", "cookie", "proxy-authorization"})


@dataclass(slots=True)
class LoggedRequest:
    """A request as it was received, and its response. Both contain secrets, so the repr leaves them out."""

    id: int
    at: int
    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    operation: str | None
    verdict: str
    explanation: Mapping[str, Any] | None
    faults: tuple[str, ...]
    status: int | None
    response: bytes = field(repr=False)
    milliseconds: float
    shown: RequestRecord | None = field(default=None, repr=False)

    @property
    def size(self) -> int:
        """Bytes, about; twice, because the masked copy is kept as well."""
        headers = sum(len(name) + len(value) for name, value in self.headers.items())
        return 2 * (len(self.url) + headers + len(self.body) + len(self.response)) + 2000


class Masking:
    """Masks secrets.

    Args:
        members: names, in lower case, of the members whose values are secret.
        secrets: the secret values themselves, which are masked anywhere.
    """

    def __init__(self, members: Collection[str], secrets: Collection[str]) -> None:
        self._members = members
        self._secrets = secrets

    def text(self, text: str) -> str:
        """A text with its secrets masked, and in UTF-8: half a surrogate pair becomes its escape sequence."""
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        return text.encode(errors="backslashreplace").decode()

    def body(self, content: bytes) -> str:
        """A body as text, with its secret members masked."""
        text = content.decode(errors="replace")
        lowered = text.lower()
        if not any(name in lowered for name in self._members):
            return self.text(text)
        try:
            return self.text(json.dumps(self._masked(json.loads(text)), ensure_ascii=False))
        except (ValueError, RecursionError):
            return f"(not shown: {len(content)} bytes that can't be read and may hold a secret)"

    def _masked(self, value: Any) -> Any:
        if is_object(value):
            return {name: MASK if name.lower() in self._members else self._masked(item) for name, item in value.items()}
        return [self._masked(item) for item in value] if is_array(value) else value


class RequestLog:
    """The newest requests, oldest first."""

    def __init__(self, masking: Masking) -> None:
        self._logged: deque[LoggedRequest] = deque()
        self._masking = masking
        self._size = 0

    def add(self, logged: LoggedRequest) -> None:
        self._logged.append(logged)
        self._size += logged.size
        while len(self._logged) > KEPT or (self._size > KEPT_BYTES and len(self._logged) > 1):
            self._size -= self._logged.popleft().size

    def clear(self) -> None:
        self._logged.clear()
        self._size = 0

    def __len__(self) -> int:
        return len(self._logged)

    def __iter__(self) -> Iterator[RequestRecord]:
        return map(self._shown, self._logged)

    def __reversed__(self) -> Iterator[RequestRecord]:
        return map(self._shown, reversed(self._logged))

    def _shown(self, logged: LoggedRequest) -> RequestRecord:
        if logged.shown is None:
            logged.shown = RequestRecord(
                id=logged.id,
                at=logged.at,
                method=logged.method,
                url=self._masking.text(logged.url),
                headers={
                    name: MASK if name in _SECRET_HEADERS else self._masking.text(value)
                    for name, value in logged.headers.items()
                },
                body=self._masking.body(logged.body),
                operation=logged.operation,
                verdict=logged.verdict,
                explanation=logged.explanation,
                faults=logged.faults,
                status=logged.status,
                response=self._masking.body(logged.response),
                milliseconds=logged.milliseconds,
            )
        return logged.shown
