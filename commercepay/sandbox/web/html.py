"""Templates and forms: what the payment page and the dashboard share."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from commercepay.sandbox.clock import iso

LONG: Final = 10_000
"""The longest text that a page shows, in characters."""

_HEADERS: Final = {
    "cache-control": "no-store",  # the back button then shows the present state
    # A form may redirect to any site: after the payment the browser goes to the merchant, who may redirect it again.
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
        " form-action 'self' http: https:; base-uri 'none'; frame-ancestors 'none'"
    ),
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
}
_STATIC: Final = Path(__file__).parent / "static"
_TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


def render(template: str, *, status: int = 200, **context: Any) -> HTMLResponse:
    page: str = _environment().get_template(template).render(context)
    # The data of callers may contain what UTF-8 can't encode, such as half a surrogate pair.
    return HTMLResponse(page.encode(errors="backslashreplace"), status, _HEADERS)


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a form; of several with one name the first."""
    body = (await request.body()).decode(errors="replace")
    fields: dict[str, str] = {}
    for name, value in parse_qsl(body, keep_blank_values=True, max_num_fields=100):
        fields.setdefault(name, value)
    return fields


def is_foreign(request: Request) -> bool:
    """Whether a page of another site sent this request."""
    origin = request.headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != request.headers.get("host")


async def static(request: Request) -> Response:
    """Stylesheets, scripts and the icon."""
    name = request.path_params["name"]
    content = _files().get(name)
    if content is None:
        return Response(status_code=404)
    headers = {"cache-control": "no-cache", "x-content-type-options": "nosniff"}
    return Response(content, 200, headers, media_type=_TYPES[Path(name).suffix])


def label(status_name: str) -> str:
    """A status as a customer reads it."""
    return status_name.replace("_", " ").capitalize()


def tone(status_name: str) -> str:
    """The colour of a status."""
    if status_name == "PAID":
        return "good"
    if status_name in ("PENDING", "AUTHORISED", "REFUND_IN_PROGRESS"):
        return "wait"
    if status_name in ("CANCELLED", "CANCELLED_BY_USER", "EXPIRED", "REFUNDED", "VOIDED"):
        return "muted"
    return "bad"


def pretty(value: Any) -> str:
    """Indented JSON; of a long text the beginning."""
    if isinstance(value, str) and len(value) > LONG:
        return f"{value[:LONG]}\n... and {len(value) - LONG} characters more, which the JSON API has"
    try:
        read = json.loads(value) if isinstance(value, str) else value
        return json.dumps(read, indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return str(value)


@lru_cache(maxsize=1)
def _environment() -> Any:
    import jinja2  # here, so that a sandbox without open pages starts faster

    loader = jinja2.PackageLoader("commercepay.sandbox.web", "templates")
    environment = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(iso=iso, label=label, tone=tone, pretty=pretty)
    return environment


@lru_cache(maxsize=1)
def _files() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in _STATIC.iterdir() if path.suffix in _TYPES}
