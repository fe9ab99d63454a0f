"""One error names every problem of a site's configuration, before the first callback."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings
from django.core.checks import run_checks
from django.core.management import call_command
from django.test.utils import override_settings
from flask import Flask
from integrations.conftest import CREDENTIALS, genuine
from integrations.sites import DjangoSite
from processes import python
from sqlalchemy import create_engine

from commercepay import ConfigurationError
from commercepay.callbacks import Verifier
from commercepay.inbox import Inbox
from commercepay.integrations import django as commercepay_django
from commercepay.integrations.fastapi import FastAPIIntegration
from commercepay.integrations.flask import FlaskIntegration


class SyncInbox:
    def receive(self, *arguments: object, **options: object) -> None: ...


GOOD: dict[str, Any] = {"callback_url": "https://shop.example.my/commercepay/callback", "on_callback": print}


@pytest.mark.parametrize(
    ("change", "phrase"),
    [
        ({"callback_url": None}, "callback_url is missing"),
        ({"callback_url": "/callback"}, "absolute URL"),
        ({"callback_url": "https://shop.example.my/callback?a=1"}, "no query"),
        ({"callback_url": "https://shop.example.my/callback\n"}, "absolute URL"),
        ({"on_callback": None}, "on_callback or inbox"),
        ({"on_callback": "shop.on_callback"}, "on_callback must be a function, not str"),
        ({"find_order": {}}, "find_order must be a function, not dict"),
        ({"inbox": "shop.inbox"}, "inbox must be a function that makes the inbox, not str"),
        ({"inbox": SyncInbox()}, "inbox must be a function that makes the inbox, not SyncInbox"),
        ({"former_callback_urls": "https://old.example.my/callback"}, "must be a list or tuple of str, not str"),
        ({"former_callback_urls": ["/callback"]}, "absolute URL"),
        ({"callback_url": "https://shop.example.my/%7Bid%7D"}, "in its path, which the routes of frameworks read"),
    ],
)
def test_each_mistake_is_named(change: dict[str, Any], phrase: str) -> None:
    """Each problem is one sentence."""
    with pytest.raises(ConfigurationError, match=phrase) as caught:
        FastAPIIntegration(**(GOOD | change))
    assert len(caught.value.problems) == 1


def client_of(framework: str, callback_url: str, **options: Any) -> Any:
    """The client of an application with these settings."""
    if framework == "fastapi":
        return FastAPIIntegration(callback_url=callback_url, on_callback=print, **options).client
    given = {name.upper(): value for name, value in options.items()} | {"CALLBACK_URL": callback_url}
    if framework == "flask":
        app = Flask("shop")
        app.config.update({f"COMMERCEPAY_{name}": value for name, value in given.items()})
        pay = FlaskIntegration(app, on_callback=print)
        with app.app_context():
            return pay.client
    with override_settings(COMMERCEPAY=given | {"ON_CALLBACK": print}):
        return commercepay_django.client()


FRAMEWORKS = pytest.mark.parametrize("framework", ["fastapi", "flask", "django"])
OWN = {name: CREDENTIALS[name] for name in ("tenant_id", "username", "password", "secret_key")}


@FRAMEWORKS
@pytest.mark.parametrize(
    "callback_url", ["http://web:8000/callback", "http://127.0.0.1/callback", "https://web/callback"]
)
def test_the_sandbox_is_named_in_the_configuration(framework: str, callback_url: str) -> None:
    """The sandbox needs only its environment. Its callbacks may go to this machine or network, also by plain http."""
    client = client_of(framework, callback_url, environment="sandbox", base_url="http://sandbox:8400")
    assert client.settings.base_url == "http://sandbox:8400"


@FRAMEWORKS
@pytest.mark.parametrize(
    ("callback_url", "options", "phrase"),
    [
        ("http://shop.example.my/callback", OWN, "plain http to shop.example.my"),
        ("http://shop.example.my/callback", OWN | {"environment": "production"}, "plain http to shop.example.my"),
        ("http://127.0.0.1/callback", OWN | {"environment": "production"}, "leads to this machine"),
        ("https://shop.example.my/callback", {"environment": "sandbox"}, "published"),
    ],
)
def test_a_callback_url_that_the_environment_refuses(
    framework: str, callback_url: str, options: dict[str, Any], phrase: str
) -> None:
    """The callback URL is checked against the environment when the application starts."""
    with pytest.raises(ConfigurationError, match=phrase) as caught:
        client_of(framework, callback_url, **options)
    assert len(caught.value.problems) == 1


@FRAMEWORKS
def test_an_environment_against_a_base_url_in_the_shell(framework: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A base URL in the environment variables is checked against the configured environment."""
    monkeypatch.setenv("COMMERCEPAY_BASE_URL", "http://127.0.0.1:8400")
    with pytest.raises(ConfigurationError, match=r"COMMERCEPAY_BASE_URL is .+'staging'"):
        client_of(framework, "https://shop.example.my/callback", **OWN, environment="staging")


@FRAMEWORKS
@pytest.mark.parametrize("from_variable", [False, True])
def test_a_token_store(framework: str, from_variable: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The store of the access token is a setting of each framework, and a variable; one that can't be used is an error."""
    for url in (f"file:{tmp_path}", "file:tokens"):
        options = OWN if from_variable else OWN | {"token_store": url}
        if from_variable:
            monkeypatch.setenv("COMMERCEPAY_TOKEN_STORE", url)
        if url == "file:tokens":
            with pytest.raises(ConfigurationError, match="absolute path"):
                client_of(framework, "https://shop.example.my/callback", **options)
        else:
            client = client_of(framework, "https://shop.example.my/callback", **options)
            assert client.settings.token_store.reveal() == url


@pytest.mark.parametrize("framework", ["flask", "django"])
@pytest.mark.parametrize(("wrong", "right"), [("secretkey", "SECRET_KEY"), ("callbak_url", "CALLBACK_URL")])
def test_a_misspelt_key(framework: str, wrong: str, right: str) -> None:
    """The error for a misspelt key of the configuration suggests a known one."""
    with pytest.raises(ConfigurationError, match=f"{wrong.upper()}.*{right}"):
        client_of(framework, "https://shop.example.my/callback", **OWN, **{wrong: "x"})


def test_all_mistakes_are_named_at_once() -> None:
    """Several problems, with those of the client, are one error."""
    app = Flask("shop")
    app.config.update(COMMERCEPAY_CALLBACK_URL="ftp://x", COMMERCEPAY_TENANT_ID="many", COMMERCEPAY_SECRET_KEY=7)
    app.config.update(COMMERCEPAY_USERNAME="shop", COMMERCEPAY_PASSWORD="example-Password-01")
    with pytest.raises(ConfigurationError) as caught:
        FlaskIntegration(app)
    assert len(caught.value.problems) >= 3
    assert "example-Password-01" not in str(caught.value)


def test_an_inbox_of_another_type_is_an_error_when_it_is_made() -> None:
    """If the inbox function returns something else, the first callback gets the response 500."""
    site = DjangoSite(CREDENTIALS, inbox=lambda verifier: "an inbox")
    try:
        assert site.post(*genuine(site)) == 500
    finally:
        site.close()


# --- Django's system check -------------------------------------------------------------------------------------------


def checked(**settings: Any) -> list[tuple[str, str]]:
    with override_settings(COMMERCEPAY=settings):
        return [(one.id, one.msg) for one in run_checks()]


DJANGO = {name.upper(): value for name, value in (CREDENTIALS | GOOD).items()}


async def later(callback: object) -> None: ...


ASYNC_URL = "https://shop.example.my/async/callback"


@pytest.mark.parametrize(
    ("change", "ids"),
    [
        ({}, []),
        ({"CALLBACK_URL": ASYNC_URL}, []),
        ({"ON_CALLBACK": "builtins.print", "FIND_ORDER": "builtins.print"}, []),
        ({"CALLBACK_URL": "https://shop.example.my/callback"}, ["W001"]),  # no endpoint there, but a proxy may map it
        ({"ON_CALLBACK": later}, ["E005"]),
        ({"CALLBACK_URL": ASYNC_URL, "ON_CALLBACK": later}, []),
    ],
)
def test_django_checks_the_endpoint(change: dict[str, Any], ids: list[str]) -> None:
    """Good settings have no finding. A URL without an endpoint is a warning, an async handler of a sync one an error."""
    assert [kind for kind, _ in checked(**DJANGO | change)] == [f"commercepay.{one}" for one in ids]


def test_django_names_every_problem() -> None:
    """Unknown keys, wrong values and wrong import paths each have their own message."""
    wrong = {"TENANT_ID": 0, "SECRET_KEY": "", "CALLBAK_URL": "x", "CALLBACK_URL": "ftp://x"}
    found = checked(**DJANGO | wrong | {"ON_CALLBACK": "shop.nowhere"})
    for kind, phrase in (
        ("E002", "CALLBAK_URL"),
        ("E003", "tenant_id"),
        ("E003", "secret_key"),
        ("E004", "ON_CALLBACK 'shop.nowhere' can't be imported"),
    ):
        assert [kind for kind, message in found if phrase in message] == [f"commercepay.{kind}"]
    found = checked(**DJANGO | {"CALLBACK_URL": "ftp://x", "ON_CALLBACK": None})
    assert [kind for kind, _ in found] == ["commercepay.E004"] * 2


def test_missing_credentials_are_warnings(monkeypatch: pytest.MonkeyPatch) -> None:
    """A build without credentials can run `migrate` and other commands that check the settings."""
    monkeypatch.delenv("COMMERCEPAY_SECRET_KEY", raising=False)
    found = checked(CALLBACK_URL=GOOD["callback_url"], ON_CALLBACK=print)
    assert {kind for kind, _ in found} == {"commercepay.W004"}
    assert len(found) == 4
    with override_settings(COMMERCEPAY={"CALLBACK_URL": GOOD["callback_url"], "ON_CALLBACK": print}):
        call_command("check")


async def settle_later(decision: object) -> None: ...


@pytest.mark.parametrize(
    ("change", "routers", "found"),
    [
        ({}, None, []),
        ({}, [], ["commercepay.E007"]),
        ({"ON_CALLBACK": print}, None, ["commercepay.E004"]),
        ({"FIND_ORDER": None}, None, ["commercepay.E004"]),
        ({"ON_SETTLED": settle_later}, None, ["commercepay.E004"]),
    ],
)
def test_the_inbox_on_the_orm_is_checked(change: dict[str, Any], routers: Any, found: list[str]) -> None:
    """ON_SETTLED needs FIND_ORDER, plain functions, no other inbox, and a database that the router names."""
    given = DJANGO | {"ON_CALLBACK": None, "FIND_ORDER": print, "ON_SETTLED": print} | change
    with override_settings(**({} if routers is None else {"DATABASE_ROUTERS": routers})):
        assert [kind for kind, _ in checked(**given)] == found


def on_mysql(verifier: Verifier) -> Inbox:
    driver = SimpleNamespace(paramstyle="format", version="9.9.9")
    return Inbox(create_engine("mysql+pymysql://u:secret@127.0.0.1:1/x", module=driver), verify=verifier.verify)


def unreachable(verifier: Verifier) -> Inbox:
    raise RuntimeError("no route to postgresql://u:secret@db/x")


@pytest.mark.parametrize(
    ("make_inbox", "kind", "phrase"),
    [
        (on_mysql, "E006", "INBOX can't be made: the inbox works on PostgreSQL and SQLite, not on mysql"),
        (lambda verifier: "an inbox", "E006", "must return an inbox, not str"),
        (unreachable, "W003", "INBOX could not be made: RuntimeError"),
    ],
)
def test_django_finds_an_inbox_that_can_t_be_made(make_inbox: Any, kind: str, phrase: str) -> None:
    """An inbox on MySQL, or no inbox, is an error. A function that fails is a warning, because its database may be down."""
    ((found, message),) = checked(**DJANGO | {"INBOX": make_inbox})
    assert found == f"commercepay.{kind}"
    assert phrase in message
    assert "secret" not in message


@pytest.mark.parametrize("name", [str, Path])
def test_django_warns_of_an_inbox_on_the_file_of_the_orm(
    name: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An inbox on the SQLite file of the ORM is a warning, in every notation of the file; on another file it is not."""
    monkeypatch.chdir(tmp_path)
    databases = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": name(tmp_path / "db.sqlite3")}}
    monkeypatch.setattr(settings, "DATABASES", databases)

    def found(url: str) -> list[tuple[str, str]]:
        make_inbox = lambda verifier: Inbox(create_engine(url), verify=verifier.verify)  # noqa: E731
        return checked(**DJANGO | {"INBOX": make_inbox})

    ((kind, message),) = found("sqlite:///db.sqlite3")
    assert kind == "commercepay.W002"
    assert "DATABASES['default']" in message
    assert found("sqlite:///inbox.sqlite3") == found("sqlite://") == []


def test_every_id_of_the_system_check_is_documented() -> None:
    """Each id of the checks has one meaning, and docs/frameworks.md lists all of them."""
    root = Path(__file__).parents[2]
    code = "".join(file.read_text() for file in (root / "commercepay/integrations/django").glob("*.py"))
    ids = set(re.findall(r'"commercepay\.([EW]\d{3})"', code))
    assert len(ids) == 11
    table = re.findall(r"^\| `commercepay\.([EW]\d{3})` \|", (root / "docs/frameworks.md").read_text(), re.MULTILINE)
    assert table == sorted(ids)


def test_django_without_settings() -> None:
    """Missing settings are an error of the check, not a crash."""
    with override_settings(COMMERCEPAY=None):
        assert [(one.id, one.msg) for one in run_checks()] == [
            ("commercepay.E001", "settings.COMMERCEPAY must be a dict, and is missing")
        ]


@pytest.mark.parametrize(
    ("with_inbox", "stores", "phrase"),
    [
        (False, False, "the stock system is down"),
        (True, True, "the stock system is down"),
        (True, False, "no such table"),
    ],
    ids=["handler fails", "handler in the inbox fails", "storing fails"],
)
def test_django_s_debug_page_shows_no_secret(with_inbox: bool, stores: bool, phrase: str, tmp_path: Path) -> None:
    """With DEBUG on, the error page does not show the signature, the password or the secret key."""

    def broken(callback: object, *connection: object) -> None:
        raise RuntimeError("the stock system is down")

    engine = create_engine(f"sqlite:///{tmp_path / 'shop.db'}")
    if stores:
        Inbox(engine, secret_key="any").create_tables()
    make_inbox = lambda verifier: Inbox(engine, verify=verifier.verify)  # noqa: E731
    site = DjangoSite(CREDENTIALS, on_callback=broken, inbox=make_inbox if with_inbox else None)
    try:
        body, signature = genuine(site)
        with override_settings(DEBUG=True):
            response = site.send("POST", site.callback_path, body, {"cap-signature": signature, "Accept": "text/html"})
    finally:
        site.close()
        engine.dispose()
    assert response.status == 500
    assert phrase in response.text
    assert "Local vars" in response.text
    for secret in (signature, CREDENTIALS["password"], CREDENTIALS["secret_key"]):
        assert str(secret) not in response.text


# --- what is loaded --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("module", "library", "phrase"),
    [
        ("integrations.starlette", "starlette", "pip install 'starlette'"),
        ("integrations.fastapi", "fastapi", "pip install 'commercepay[fastapi]'"),
        ("integrations.flask", "flask", "pip install 'commercepay[flask]'"),
        ("integrations.django", "django", "pip install 'commercepay[django]'"),
        ("inbox", "sqlalchemy", "pip install 'commercepay[inbox]'"),
    ],
)
def test_a_missing_library_is_named(module: str, library: str, phrase: str) -> None:
    """Without the framework or SQLAlchemy, the error of the import names it and the command that installs it."""
    done = python(
        f"import sys\nsys.modules[{library!r}] = None\n"
        f"try: import commercepay.{module}\n"
        "except ModuleNotFoundError as error: print(error)"
    )
    assert phrase in done.stdout, done.stderr
    assert library in done.stdout.partition("pip")[0]


@pytest.mark.parametrize("module", ["starlette", "fastapi", "flask"])
def test_an_adapter_loads_no_other_edge(module: str) -> None:
    """An adapter loads no inbox, sandbox or other framework."""
    done = python(f"import sys, commercepay.integrations.{module}\nprint(*sys.modules)")
    assert done.returncode == 0, done.stderr
    others = {"flask", "django", "fastapi"} - {module}
    loaded = set(done.stdout.split())
    assert not loaded & {"sqlalchemy", "commercepay.inbox", "commercepay.sandbox", *others}
