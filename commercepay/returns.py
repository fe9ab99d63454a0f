"""The customer's return: what the browser brings back to the `returnUrl`.

It is not signed and proves nothing: anybody can type it. It is a hint that now is a good time to ask the gateway.
"""

from __future__ import annotations

from commercepay._base.json_guards import is_array
from commercepay._base.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

__all__ = ["ReturnHint", "read_return"]

LONGEST = 200
"""Characters. Our own limit: a longer value is not passed on to the gateway."""


class ReturnHint(Record):
    """What a return claims. Neither true nor false until the gateway was asked.

    Attributes:
        reference_code: which order it claims to be about.
        transaction_number: which payment it claims to be about.
    """

    reference_code: str | None = None
    transaction_number: str | None = None


def read_return(params: Mapping[str, Any] | str) -> ReturnHint:
    """Read the query parameters of a return (source: public integrations). Never raises: nonsense is no hint.

    Args:
        params: the parameters `ReferenceCode` and `TransactionNumber`, as a mapping (of strings, or of lists of strings as
            some frameworks have it), or the raw query string.
    """
    if isinstance(params, str):
        from urllib.parse import parse_qs

        try:
            params = parse_qs(params.lstrip("?"), max_num_fields=100)
        except ValueError:
            return ReturnHint()
    return ReturnHint(
        reference_code=_only(params, "ReferenceCode"), transaction_number=_only(params, "TransactionNumber")
    )


def _only(params: Mapping[str, Any], name: str) -> str | None:
    value = params.get(name)
    if is_array(value):
        value = value[0] if len(value) == 1 else None  # sent twice: whose word would it be?
    if not isinstance(value, str) or not value.strip() or len(value) > LONGEST or not value.isprintable():
        return None
    return value
