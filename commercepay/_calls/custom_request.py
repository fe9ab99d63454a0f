"""`request()`: signed calls to endpoints that the description lacks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from commercepay_api.wire import EXTENSION, Signing

from commercepay import params
from commercepay._base.json_guards import is_array, is_mapping
from commercepay._base.text import shown
from commercepay._calls import checks as check
from commercepay._protocol.auth import has_dot_segments
from commercepay._protocol.call import Call
from commercepay._protocol.exchange import Flow, exchange
from commercepay._protocol.settings import Settings


def custom_request(
    settings: Settings,
    method: str,
    path: str,
    json: Mapping[str, Any] | None,
    query_params: Mapping[str, Any] | None,
    options: params.CallOptions,
) -> Flow[Any]:
    """A signed request to an endpoint that the description lacks; the result as plain data."""
    problems = check.problems(options, params.CallOptions)
    if method not in ("GET", "POST"):
        problems.append(f"method must be 'GET' or 'POST', not {shown(method)}; how others are signed is not known")
    if not isinstance(path, str) or not path.startswith("/") or path.startswith("//") or not _PATH.fullmatch(path):
        problems.append("path must start with a single '/', as in '/api/services/app/PaymentGateway/Query'")
    elif len(path) > _LONGEST_PATH:
        problems.append(f"path must have at most {_LONGEST_PATH} characters, not {len(path)}")
    elif "?" in path or "#" in path:
        problems.append("path must have no query or fragment; pass params={...}, which are signed with their types")
    elif has_dot_segments(path):
        problems.append("path must have no '.' or '..' segment, in any encoding: it would lead out of the base URL")
    if method == "GET" and json is not None:
        problems.append("a GET takes params, not json")
    if method == "POST" and query_params is not None:
        problems.append("a POST takes json, not params: what is signed then is not known")
    given: object = query_params if json is None else json
    data: Mapping[str, Any] = {}
    if given is not None and not is_mapping(given):
        problems.append(f"json and params must be mappings of members, not {type(given).__name__}")
    elif given is not None:
        data = given
        if method == "GET":
            data = {name: value for name, value in data.items() if value is not None}
            problems += [
                f"params[{name!r}]: a query string holds no {type(value).__name__}"
                for name, value in data.items()
                if not isinstance(value, str | int | float)
            ]
        problems += check.unsignable(settings, data)
    check.refuse("request", problems)
    sent: dict[str, Any] = _plain(data)
    reference_code = sent.get("referenceCode")
    name = f"{method} {path}"
    call = Call(
        name=name,
        request=lambda: {
            "method": method,
            "url": path,
            "json" if method == "POST" else "params": sent,
            "extensions": {EXTENSION: Signing(name=name, data=sent, secured=True)},
        },
        safe=method == "GET",
        reference_code=reference_code if isinstance(reference_code, str) else None,
        options=check.options_of(settings, options),
        settings=settings,
        is_documented=False,
    )
    _, result = yield from exchange(call)
    return result


_PATH = re.compile("[ -~]+")
_LONGEST_PATH = 2_000


def _plain(value: Any) -> Any:
    """The same with dicts for mappings of any kind, which the signature takes but `json` does not."""
    if is_mapping(value):
        return {name: _plain(value[name]) for name in value.keys()}  # noqa: SIM118  # a mapping may iterate otherwise
    return [_plain(item) for item in value] if is_array(value) else value
