"""The callback endpoint, for WSGI (`callback`) and for ASGI (`acallback`)."""

from __future__ import annotations

from commercepay.callbacks import signature_of
from commercepay.integrations import _endpoint
from commercepay.integrations.django import _configuration
from commercepay.integrations.django._border import (
    HttpRequest,
    HttpResponse,
    View,
    csrf_exempt,
    in_thread,
    require_POST,
)
from commercepay.integrations.django._orm import connections, non_atomic_requests
from commercepay.integrations.django.inbox import alias


def _callback(request: HttpRequest) -> object:
    body = _body(request)
    if body is None:
        return HttpResponse(status=_endpoint.too_large())
    current = _configuration.current()
    status = current.endpoint.receive(current.client.callbacks, body, signature_of(request.headers), _url(request))
    return HttpResponse(status=status)


async def _acallback(request: HttpRequest) -> object:
    body = _body(request)  # under ASGI Django has it in memory or in a file by now
    if body is None:
        return HttpResponse(status=_endpoint.too_large())
    current = _configuration.current()
    keys = current.client.callbacks
    status = await current.endpoint.areceive(keys, body, signature_of(request.headers), _url(request), in_thread)
    return HttpResponse(status=status)


# Exempt from the CSRF check: the request does not come from a browser, and it is signed. Exempt from ATOMIC_REQUESTS on the
# inbox's database: a callback stays stored if its handler fails. Of async views, Django requires it on every database.
callback: View = non_atomic_requests(using=alias())(csrf_exempt(require_POST(_callback)))
acallback: View = csrf_exempt(require_POST(_acallback))
for _alias in connections:
    acallback = non_atomic_requests(using=_alias)(acallback)


def _url(request: HttpRequest) -> str:
    """The URL of the request. `build_absolute_uri` would refuse a host that is not in `ALLOWED_HOSTS`."""
    return f"{request.scheme}://{request.META.get('HTTP_HOST', '')}{request.path}"


def _body(request: HttpRequest) -> bytes | None:
    length = request.META.get("CONTENT_LENGTH")
    if _endpoint.announces_too_large(length):
        return None
    if not length and request.META.get("wsgi.input_terminated"):
        # Sent in chunks. The server has joined them, but Django treats a body without a length as empty (its #35838).
        return _endpoint.read(request.META["wsgi.input"])
    return _endpoint.read(request)
