"""The callback endpoint, for WSGI (`callback`) and for ASGI (`acallback`)."""

from __future__ import annotations

from commercepay.callbacks import SIGNATURE_HEADER
from commercepay.integrations import _endpoint
from commercepay.integrations.django import _configuration
from commercepay.integrations.django._border import HttpRequest, HttpResponse, csrf_exempt, in_thread, require_POST

_SIGNATURE = "HTTP_" + SIGNATURE_HEADER.upper().replace("-", "_")


def _callback(request: HttpRequest) -> object:
    body = _body(request)
    if body is None:
        return HttpResponse(status=_endpoint.too_large())
    current = _configuration.current()
    verify = current.client.callbacks.verify
    return HttpResponse(status=current.endpoint.receive(verify, body, request.META.get(_SIGNATURE)))


async def _acallback(request: HttpRequest) -> object:
    body = _body(request)  # under ASGI Django has it in memory or in a file by now
    if body is None:
        return HttpResponse(status=_endpoint.too_large())
    current = _configuration.current()
    verify = current.client.callbacks.verify
    status = await current.endpoint.areceive(verify, body, request.META.get(_SIGNATURE), in_thread)
    return HttpResponse(status=status)


# Not from a browser: the signature is what shows where it comes from.
callback = csrf_exempt(require_POST(_callback))
acallback = csrf_exempt(require_POST(_acallback))


def _body(request: HttpRequest) -> bytes | None:
    length = request.META.get("CONTENT_LENGTH")
    if _endpoint.says_too_large(length):
        return None
    if not length and request.META.get("wsgi.input_terminated"):
        # Sent in chunks: the server has put them together, but Django takes a body without a length for none (its #35838).
        return _endpoint.read(request.META["wsgi.input"])
    return _endpoint.read(request)
