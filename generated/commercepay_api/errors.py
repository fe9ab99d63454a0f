# Generated from openapi/commercepay.yaml by openapi/build.py; do not edit, run: nox -s generate
"""Contains shared errors types that can be raised from API functions"""

from collections.abc import MutableMapping


class UnexpectedStatus(Exception):
    """Raised by api functions when the response status an undocumented status and Client.raise_on_unexpected_status is True"""

    def __init__(self, status_code: int, content: bytes):
        self.status_code = status_code
        self.content = content

        super().__init__(f"Unexpected status code: {status_code} ({len(content)} bytes, not shown)")

    def __reduce__(self) -> tuple[type["UnexpectedStatus"], tuple[int, bytes]]:
        return type(self), (self.status_code, self.content)


class UnreadableResponse(Exception):
    """Raised by api functions when the body of a response does not match the description

    It keeps the response. Its text does not show the body, which may hold a token.
    ``content`` is empty if the body's content encoding could not be decoded.
    """

    def __init__(self, status_code: int, content: bytes, headers: MutableMapping[str, str], reason: str):
        self.status_code = status_code
        self.content = content
        self.headers = headers
        self.reason = reason

        super().__init__(f"Unreadable response: HTTP {status_code}, {len(content)} bytes (not shown): {reason}")

    def __reduce__(self) -> tuple[type["UnreadableResponse"], tuple[int, bytes, MutableMapping[str, str], str]]:
        return type(self), (self.status_code, self.content, self.headers, self.reason)


__all__ = ["UnexpectedStatus", "UnreadableResponse"]
