"""The requests to the gateway, remembered and shown with their secrets masked.

A request is noted as it came and made presentable only when somebody looks: most are never looked at.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from commercepay._base.json_guards import is_array, is_object
from commercepay.sandbox.model import Request

KEPT: Final = 5000
MASK: Final = "***"
_SECRET_HEADERS: Final = frozenset({"authorization", "cap-signature", "cookie", "proxy-authorization"})


@dataclass(slots=True)
class Noted:
    """A request as it came and what became of it: holds secrets, so it doesn't show itself."""

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
    answer: bytes = field(repr=False)
    milliseconds: float
    shown: Request | None = field(default=None, repr=False)


class Masking:
    """What may be shown of what came.

    Args:
        members: names, in lower case, of the members whose values are secret.
        secrets: the secret values themselves, wherever they turn up.
    """

    def __init__(self, members: Collection[str], secrets: Collection[str]) -> None:
        self._members = members
        self._secrets = secrets

    def text(self, text: str) -> str:
        """A text without the secrets, which a caller may have put where they don't belong."""
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        return text

    def body(self, content: bytes) -> str:
        """A body: where a member is secret, with that member masked."""
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


class Records:
    """The newest requests, oldest first."""

    def __init__(self, masking: Masking) -> None:
        self._noted: deque[Noted] = deque(maxlen=KEPT)
        self._masking = masking

    def add(self, noted: Noted) -> None:
        self._noted.append(noted)

    def clear(self) -> None:
        self._noted.clear()

    def __len__(self) -> int:
        return len(self._noted)

    def __iter__(self) -> Iterator[Request]:
        return map(self._shown, self._noted)

    def __reversed__(self) -> Iterator[Request]:
        return map(self._shown, reversed(self._noted))

    def _shown(self, noted: Noted) -> Request:
        if noted.shown is None:
            noted.shown = Request(
                id=noted.id,
                at=noted.at,
                method=noted.method,
                url=self._masking.text(noted.url),
                headers={
                    name: MASK if name in _SECRET_HEADERS else self._masking.text(value)
                    for name, value in noted.headers.items()
                },
                body=self._masking.body(noted.body),
                operation=noted.operation,
                verdict=noted.verdict,
                explanation=noted.explanation,
                faults=noted.faults,
                status=noted.status,
                answer=self._masking.body(noted.answer),
                milliseconds=noted.milliseconds,
            )
        return noted.shown
