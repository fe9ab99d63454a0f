"""`commercepay callback`: verify, sign and send callbacks, to test an endpoint."""

from __future__ import annotations

from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import click

from commercepay.cli._program import F, secret_key, show, signature_in, with_json, with_no_input, write_private

if TYPE_CHECKING:
    from commercepay.testing import SignedCallback

TIMEOUT: Final = 30.0
"""Seconds for the response of an endpoint."""


@click.group()
def callback() -> None:
    """Verify, sign and send callbacks."""


@callback.command(no_args_is_help=True)
@click.argument("body", type=click.File("rb"))
@click.option("--signature", type=click.File(encoding="utf-8"), required=True, help="A file with the signature.")
@click.option("--callback-url", required=True, help="The URL that the payment was opened with.")
@click.option("--request-url", help="The URL of the request, if it differs: it is used only to explain.")
@with_no_input
@with_json
def verify(
    body: IO[bytes], signature: IO[str], callback_url: str, request_url: str | None, no_input: bool, as_json: bool
) -> None:
    """Verify the callback in the file BODY, which has the request's body byte for byte (- reads stdin).

    \b
    Example:
      COMMERCEPAY_SECRET_KEY=... commercepay callback verify body.json --signature signature.txt \\
        --callback-url https://shop.example.my/callback

    The exit status is 3 if the callback is rejected; the error has the reason.
    """
    from commercepay.callbacks import Verifier

    verifier = Verifier(secret_key=secret_key(no_input))
    found = verifier.verify(body.read(), signature_in(signature), callback_url, request_url=request_url)
    lines = [f"verified: {found.reference_code}, {found.amount}, {found.status.name}"]
    lines += [f"{name}: {value}" for name, value in found.to_dict().items() if value is not None]
    show(as_json, "\n  ".join(lines), {"callback": found.to_dict()})


def _with_members(command: F) -> F:
    """The options that describe a callback."""
    for option in (
        click.option("--callback-url", required=True, help="The URL that the payment was opened with."),
        click.option("--reference-code", required=True, help="The merchant's reference code."),
        click.option("--amount", required=True, help="In major units, such as 12.34."),
        click.option("--currency", default="MYR", show_default=True),
        click.option("--status", default="PAID", show_default=True, help="A name or a number."),
        click.option("--transaction-number", default="1000000000000001", show_default=True),
        click.option("--session-number", help="Of the hosted session, if there is one."),
        with_no_input,
        with_json,
    ):
        command = option(command)
    return command


@callback.command(no_args_is_help=True)
@click.argument("folder", type=click.Path(file_okay=False, exists=True, path_type=Path))
@_with_members
def sign(folder: Path, no_input: bool, as_json: bool, **members: Any) -> None:
    """Write a signed callback to FOLDER: body.json, headers.txt, and callback.curl, which sends it.

    Only you can read the files, and nothing shows the signature: whoever has it can send the callback.

    \b
    Example:
      COMMERCEPAY_SECRET_KEY=... commercepay callback sign . --amount 12.34 --reference-code INV-1 \\
        --callback-url http://127.0.0.1:8000/callback
      curl -K callback.curl
    """
    signed = _signed(no_input, members)
    url = members["callback_url"]
    if set(url) & set('"\\\r\n'):
        raise click.BadParameter("must have no quote, backslash or line end", param_hint="--callback-url")
    headers = "".join(f"{name}: {value}\n" for name, value in signed.headers.items())
    body = folder.resolve() / "body.json"
    quoted = str(body).replace("\\", "\\\\").replace('"', '\\"')
    config = "".join(f'header = "{line}"\n' for line in headers.splitlines())
    files = {
        "body.json": signed.body,
        "headers.txt": headers.encode(),
        "callback.curl": f'url = "{url}"\n{config}data-binary = "@{quoted}"\n'.encode(),
    }
    for name, content in files.items():
        write_private(folder / name, content)
    written = [str(folder / name) for name in files]
    show(as_json, f"wrote {', '.join(written)}", {"files": written})


@callback.command(no_args_is_help=True)
@_with_members
def send(no_input: bool, as_json: bool, **members: Any) -> int:
    """Send a signed callback to an endpoint on this machine.

    \b
    Example:
      COMMERCEPAY_SECRET_KEY=... commercepay callback send --amount 12.34 --reference-code INV-1 \\
        --callback-url http://127.0.0.1:8000/callback

    The exit status is 1 if the response is not a 2xx.
    """
    from commercepay._base.hosts import is_loopback
    from commercepay._protocol.http_library import httpx
    from commercepay.errors import APIConnectionError

    url = members["callback_url"]
    if not is_loopback(_host(url)):
        raise click.BadParameter("must be on this machine: a test must not reach a shop", param_hint="--callback-url")
    signed = _signed(no_input, members)
    try:
        # No proxy and no redirect: it goes to this machine and nowhere else.
        with httpx.Client(trust_env=False, follow_redirects=False, timeout=TIMEOUT) as client:
            status = client.post(url, content=signed.body, headers=signed.headers).status_code
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise APIConnectionError(f"{_host(url)} did not respond", detail=type(error).__name__) from None
    show(as_json, f"HTTP {status}", {"status": status})
    return 0 if 200 <= status < 300 else 1


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _signed(no_input: bool, members: dict[str, Any]) -> SignedCallback:
    """The callback that the options describe.

    Raises:
        BadParameter: the amount, the currency or the status is wrong.
    """
    from commercepay.errors import ArgumentError
    from commercepay.money import Money
    from commercepay.testing import sign_callback

    try:
        amount = Money(members["amount"], members["currency"])
    except ArgumentError as error:
        raise click.BadParameter(str(error), param_hint="--amount") from None
    return sign_callback(
        members["callback_url"],
        secret_key(no_input),
        amount=amount,
        reference_code=members["reference_code"],
        status=_status(members["status"]),
        transaction_number=members["transaction_number"],
        session_number=members["session_number"],
    )


def _status(text: str) -> Any:
    from commercepay.status import PaymentStatus

    if text.isascii() and text.isdigit():
        return PaymentStatus(int(text))
    found = {status.name: status for status in PaymentStatus}.get(text.upper())
    if found is None:
        names = ", ".join(status.name for status in PaymentStatus)
        raise click.BadParameter(f"is no status; a number, or one of {names}", param_hint="--status")
    return found
