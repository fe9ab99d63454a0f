"""The callback endpoint, in every framework."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from integrations.conftest import CREDENTIALS, genuine
from integrations.sites import Site
from sqlalchemy import create_engine, text

from commercepay import Callback, Money, PaymentStatus, signature
from commercepay.callbacks import MAX_BODY, Verifier
from commercepay.inbox import Inbox
from commercepay.testing import sign_callback

MakeSite = Callable[..., Site]


def test_a_callback_is_handed_to_the_handler(make_site: MakeSite) -> None:
    """A valid callback gets the response 200 after it was handled."""
    had: list[Callback] = []
    site = make_site(on_callback=had.append)
    assert site.post(*genuine(site)) == 200
    assert [(one.reference_code, one.status, str(one.amount)) for one in had] == [
        ("INV-1", PaymentStatus.PAID, "MYR 12.34")
    ]


@pytest.mark.parametrize("declared", [True, False])
def test_an_async_handler_is_awaited(make_site: MakeSite, declared: bool) -> None:
    """An async endpoint awaits an async handler, also one that only returns a coroutine; for a sync one it is an error."""
    had: list[str] = []

    async def on_callback(callback: Callback) -> None:
        had.append(callback.reference_code)

    try:
        site = make_site(on_callback=on_callback if declared else lambda callback: on_callback(callback))
    except ValueError as error:  # Flask checks it at the start
        assert "on_callback is async" in str(error)  # noqa: PT017
        return
    assert site.post(*genuine(site)) == (200 if site.is_async else 500)
    assert had == (["INV-1"] if site.is_async else [])


def test_a_forged_callback_is_401(make_site: MakeSite, caplog: pytest.LogCaptureFixture) -> None:
    """A wrong, missing or malformed signature gets the response 401, is logged with its reason, and is not handled."""
    had: list[Callback] = []
    site = make_site(on_callback=had.append)
    body, _ = genuine(site)
    _, other = genuine(site, secret_key="another key")
    with caplog.at_level(logging.WARNING, "commercepay"):
        assert [site.post(body, signature) for signature in (other, None, "", "x" * 64)] == [401] * 4
    assert had == []
    logged = [one.getMessage() for one in caplog.records if one.name == "commercepay.integrations"]
    assert [line.removeprefix("callback rejected: ").partition(":")[0] for line in logged] == [
        "signature_wrong",
        "signature_missing",
        "signature_missing",
        "signature_malformed",
    ]


def test_two_signatures_are_none(make_site: MakeSite) -> None:
    """Two signature headers, one of them right, are rejected."""
    had: list[Callback] = []
    site: Any = make_site(on_callback=had.append)
    body, signature = genuine(site)
    if hasattr(site, "post_with_two_headers"):
        assert site.post_with_two_headers(body, signature, "0" * 64) == 401
    assert site.post(body, f"{signature},{signature}") == 401
    assert site.post(body, f"{'0' * 64}, {signature}") == 401
    assert had == []


@pytest.mark.parametrize("body", [b"", b"nonsense", b"[]", b"\xff", b"{}", b'{"a":1,"a":2}'])
def test_nonsense_is_400(make_site: MakeSite, body: bytes) -> None:
    """A body that is not a callback gets the response 400 if its signature is right."""
    had: list[Callback] = []
    site = make_site(on_callback=had.append)
    right = signature.sign(site.callback_url, {}, CREDENTIALS["secret_key"])
    assert site.post(body, right) == 400
    assert had == []


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_another_method_is_405(make_site: MakeSite, method: str) -> None:
    """The endpoint accepts only POST."""
    site = make_site(on_callback=print)
    assert site.send(method, site.callback_path, b"", {}).status == 405


def test_a_body_too_large_is_413(make_site: MakeSite) -> None:
    """A body above the limit is refused, one at the limit is read."""
    had: list[Callback] = []
    site = make_site(on_callback=had.append)
    body, signature = genuine(site)
    most = body + b" " * (MAX_BODY - len(body))
    assert site.post(most, signature) == 200
    assert site.post(most + b" ", signature) == 413
    assert len(had) == 1


def test_a_body_in_chunks_is_read(make_site: MakeSite) -> None:
    """A callback without a length is read up to the limit."""
    had: list[Callback] = []
    site: Any = make_site(on_callback=had.append)
    if not hasattr(site, "post_in_pieces"):
        return
    body, signature = genuine(site)
    assert site.post_in_pieces([body[:10], body[10:]], signature) == 200
    assert site.post_in_pieces([body, b" " * MAX_BODY], signature) == 413
    assert len(had) == 1


def test_a_body_that_was_read_before_is_still_there(make_site: MakeSite) -> None:
    """The callback is handled although a middleware or hook has read the body."""
    had: list[Callback] = []
    site: Any = make_site(on_callback=had.append)
    site.read_body_first()
    body, signature = genuine(site)
    assert site.post(body, signature) == 200
    if hasattr(site, "post_in_pieces") and "django" not in type(site).__name__.lower():
        assert site.post_in_pieces([body], signature) == 200
    assert had


def test_the_callback_url_is_the_configured_one(make_site: MakeSite) -> None:
    """Host and X-Forwarded headers do not affect the verification."""
    had: list[Callback] = []
    site = make_site(on_callback=had.append)
    proxied = {
        "Host": "10.0.0.7:8000",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Prefix": "/x",
        "Forwarded": "host=evil.example;proto=http",
    }
    assert site.post(*genuine(site), **proxied) == 200
    signed_for_the_proxy = type(site).__new__(type(site))
    signed_for_the_proxy.callback_url = "http://10.0.0.7:8000" + site.callback_path
    assert site.post(*genuine(signed_for_the_proxy), **proxied) == 401
    assert len(had) == 1


def test_a_handler_that_raises_is_500_and_the_next_attempt_counts(make_site: MakeSite) -> None:
    """After a handler raised, the gateway's next attempt is handled."""
    attempts: list[str] = []

    def on_callback(callback: Callback) -> None:
        attempts.append(callback.reference_code)
        if len(attempts) == 1:
            raise RuntimeError("the stock system is down")

    site = make_site(on_callback=on_callback)
    assert [site.post(*genuine(site)) for _ in range(2)] == [500, 200]
    assert attempts == ["INV-1", "INV-1"]


def test_without_an_inbox_a_repeated_callback_has_the_same_key(make_site: MakeSite) -> None:
    """Without an inbox the handler gets every repetition, with the same key."""
    keys: list[str] = []
    site = make_site(on_callback=lambda callback: keys.append(callback.fact_key))
    assert [site.post(*genuine(site)) for _ in range(2)] == [200, 200]
    assert len(keys) == 2
    assert len(set(keys)) == 1


# --- with an inbox ---------------------------------------------------------------------------------------------------


@pytest.fixture
def database(tmp_path: Path) -> Any:
    engine = create_engine(f"sqlite:///{tmp_path / 'shop.db'}")
    yield engine
    engine.dispose()


def make_inbox(engine: Any) -> Callable[[Verifier], Inbox]:
    """The merchant's function that creates the inbox. The tables exist."""
    Inbox(engine, secret_key="any").create_tables()
    return lambda verifier: Inbox(engine, verify=verifier.verify)


def states(engine: Any) -> list[str]:
    with engine.connect() as connection:
        return list(connection.execute(text("SELECT state FROM commercepay_arrivals ORDER BY id")).scalars())


def test_with_an_inbox_a_fact_is_handled_once(make_site: MakeSite, database: Any) -> None:
    """A repeated callback gets the response 200 and is handled once. A forgery gets 401, another body 400; both are kept."""
    had: list[str] = []
    site = make_site(
        on_callback=lambda callback, connection: had.append(callback.reference_code), inbox=make_inbox(database)
    )
    body, right = genuine(site)
    assert [site.post(*given) for given in ((body, right), (body, right), (body, "0" * 64), (b"?", right))] == [
        200,
        200,
        401,
        400,
    ]
    assert had == ["INV-1"]
    assert states(database) == ["handled", "duplicate", "rejected", "rejected"]


def test_with_an_inbox_a_handler_that_raises_leaves_it_stored(make_site: MakeSite, database: Any) -> None:
    """After a 500 the callback is kept, and a worker can process it."""
    had: list[str] = []

    def broken(callback: Callback, connection: Any) -> None:
        raise RuntimeError("the stock system is down")

    site = make_site(on_callback=broken, inbox=make_inbox(database))
    assert site.post(*genuine(site)) == 500
    assert states(database) == ["stored"]
    inbox = Inbox(database, verify=site.verifier.verify)
    inbox.process(1, lambda callback, connection: had.append(callback.reference_code))
    assert had == ["INV-1"]


def test_with_an_inbox_alone_a_callback_is_stored(make_site: MakeSite, database: Any) -> None:
    """Without a handler the callback is kept for a worker, with the response 200."""
    site = make_site(inbox=make_inbox(database))
    assert site.post(*genuine(site)) == 200
    assert states(database) == ["stored"]


def test_a_store_that_fails_is_500(make_site: MakeSite, database: Any) -> None:
    """A callback that could not be stored gets the response 500, so that the gateway sends it again."""
    site = make_site(on_callback=print, inbox=lambda verifier: Inbox(database, verify=verifier.verify))  # no tables
    assert site.post(*genuine(site)) == 500


def test_an_inbox_is_made_when_the_first_callback_comes(make_site: MakeSite, database: Any) -> None:
    """The function that creates the inbox is called once, at the first callback, when a pre-fork server has forked."""
    made: list[Inbox] = []

    def make(verifier: Verifier) -> Inbox:
        made.append(make_inbox(database)(verifier))
        return made[-1]

    site = make_site(inbox=make)
    assert made == []
    assert [site.post(*genuine(site)) for _ in range(2)] == [200, 200]
    assert len(made) == 1


def test_a_body_too_large_is_not_kept(make_site: MakeSite, database: Any) -> None:
    """A body above the limit is not stored."""
    site = make_site(inbox=make_inbox(database))
    assert site.post(b" " * (MAX_BODY + 1), "0" * 64) == 413
    assert states(database) == []


OLD_KEY, OLD_URL = "example-Retired-Key-01", "https://old.example.my/former/callback"


@pytest.mark.parametrize("with_inbox", [False, True])
def test_retired_keys_and_former_urls(make_site: MakeSite, database: Any, with_inbox: bool) -> None:
    """A callback signed with a retired key, or over a former URL, is handled, with and without an inbox; others are not."""
    had: list[str] = []
    site = make_site(
        {"retired_secret_keys": [OLD_KEY]},
        on_callback=lambda callback, *_: had.append(callback.reference_code),
        inbox=make_inbox(database) if with_inbox else None,
        former_callback_urls=[OLD_URL],
    )
    given = {"amount": Money("12.34", "MYR")}
    new_key = CREDENTIALS["secret_key"]
    for url, key, status in (
        (site.callback_url, OLD_KEY, 200),
        (OLD_URL, new_key, 200),
        (OLD_URL, OLD_KEY, 200),
        ("https://else.example.my/callback", new_key, 401),
        (OLD_URL, "another", 401),
    ):
        assert site.post(*sign_callback(url, key, reference_code=f"{url} {key}", **given)) == status
    assert len(had) == 3


def test_an_async_handler_with_a_sync_inbox_is_refused(make_site: MakeSite, database: Any) -> None:
    """An async handler of a sync endpoint is an error, and its callback stays pending."""

    async def on_callback(callback: Callback, connection: Any) -> None: ...

    try:
        site = make_site(on_callback=on_callback, inbox=make_inbox(database))
    except ValueError as error:  # Flask refuses it at the start
        assert "on_callback is async" in str(error)  # noqa: PT017
        return
    assert site.post(*genuine(site)) == 500
    assert states(database) == (["stored"] if site.is_async else [])


# --- secrets ---------------------------------------------------------------------------------------------------------


def test_no_response_and_no_log_shows_a_secret(
    make_site: MakeSite, database: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Signatures, password and secret key are in no response, no log line, and no traceback."""

    def broken(callback: Callback, connection: Any = None) -> None:
        raise RuntimeError("the stock system is down")

    responses: list[str] = []
    signatures: list[str] = []
    with caplog.at_level(logging.DEBUG):
        for options in ({"on_callback": broken}, {"on_callback": broken, "inbox": make_inbox(database)}):
            site = make_site(**options)
            body, signature = genuine(site)
            signatures.append(signature)
            headers = {"Content-Type": "application/json"}
            for given in (signature, "f" * 64):
                responses.append(site.send("POST", site.callback_path, body, headers | {"cap-signature": given}).text)
            site.close()
            site.close = lambda: None  # type: ignore[method-assign]
    seen = caplog.text + "".join(responses) + repr(site)
    for secret in (*signatures, "f" * 64, CREDENTIALS["password"], CREDENTIALS["secret_key"]):
        assert str(secret) not in seen
