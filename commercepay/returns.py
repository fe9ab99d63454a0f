"""The customer's return: the query string with which the browser comes back to the `returnUrl`.

A return is not signed and proves nothing, because anybody can type such a URL. It is a hint to query the gateway now.
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
"""Characters. The limit is this package's, not the gateway's: a longer value is ignored."""


class ReturnHint(Record):
    """The values by which an order is found: of a return, or of a callback that the inbox has verified.

    Those of a return are not verified: query the gateway before you act on them.

    Attributes:
        reference_code: the reference code, or None.
        transaction_number: the transaction number, or None.
    """

    reference_code: str | None = None
    transaction_number: str | None = None


def read_return(params: Mapping[str, Any] | str) -> ReturnHint:
    """Read the query parameters of a return (source: public integrations). Never raises; an unusable value is None.

    Args:
        params: the raw query string, or a mapping with `ReferenceCode` and `TransactionNumber`. The values of the mapping are
            strings, or lists of strings as in some frameworks.
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
        value = value[0] if len(value) == 1 else None  # a parameter that occurs twice is ambiguous
    if not isinstance(value, str) or not value.strip() or len(value) > LONGEST or not value.isprintable():
        return None
    return value
