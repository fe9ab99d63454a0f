"""Building a client: what is refused, and that all of it is named at once."""

from __future__ import annotations

import math
import pickle
from typing import Any

import pytest
from facade.conftest import CREDENTIALS

from commercepay import AsyncCommercePay, CommercePay, ConfigurationError
from commercepay._protocol import settings as settings_module

BOTH = pytest.mark.parametrize("cls", [CommercePay, AsyncCommercePay])
NAMES = ("TENANT_ID", "USERNAME", "PASSWORD", "SECRET_KEY")


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sets the variables given, and no others."""

    def put(**variables: str) -> None:
        for name in (*NAMES, "ENVIRONMENT", "BASE_URL"):
            monkeypatch.delenv(f"COMMERCEPAY_{name}", raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(f"COMMERCEPAY_{name}", value)

    put()
    return put


FULL = {"TENANT_ID": "42", "USERNAME": "shop", "PASSWORD": "pw", "SECRET_KEY": "key"}


@BOTH
def test_from_env(environment: Any, cls: Any) -> None:
    """`from_env` reads the variables, staging unless said otherwise; what is passed wins."""
    environment(**FULL)
    cp = cls.from_env()
    assert type(cp) is cls
    assert (cp.settings.tenant_id, cp.settings.username) == (42, "shop")
    assert (cp.settings.password.reveal(), cp.settings.secret_key.reveal()) == ("pw", "key")
    assert cp.settings.base_url == "https://staging-payments.commerce.asia"
    environment(**FULL, ENVIRONMENT="production")
    assert cls.from_env().settings.base_url == "https://payments.commerce.asia"
    environment(**FULL, BASE_URL="http://127.0.0.1:8080/")
    cp = cls.from_env(timeout=5, tenant_id=7)
    assert (cp.settings.base_url, cp.settings.timeout, cp.settings.tenant_id) == ("http://127.0.0.1:8080", 5, 7)


def test_from_env_names_all_that_is_missing(environment: Any) -> None:
    """One error names every variable that is missing, empty ones included."""
    environment(USERNAME="")
    with pytest.raises(ConfigurationError) as caught:
        CommercePay.from_env()
    for name in NAMES:
        assert f"COMMERCEPAY_{name}" in str(caught.value)
    assert "BASE_URL" not in str(caught.value)
    environment(TENANT_ID="forty-two", ENVIRONMENT="live")
    with pytest.raises(ConfigurationError) as caught:
        CommercePay.from_env()
    assert len(caught.value.problems) == 3
    for name in ("TENANT_ID", "ENVIRONMENT", "USERNAME", "PASSWORD", "SECRET_KEY"):
        assert f"COMMERCEPAY_{name}" in str(caught.value)


@pytest.mark.parametrize("tenant", ["0", "-1", "4.2", "٤٢", "x", "1e3"])
def test_from_env_tenant(environment: Any, tenant: str) -> None:
    """A tenant id that is no positive number is refused."""
    environment(**FULL | {"TENANT_ID": tenant})
    with pytest.raises(ConfigurationError):
        CommercePay.from_env()


@BOTH
def test_all_in_one(cls: Any) -> None:
    """One error names everything that is wrong with the arguments, and shows no secret."""
    with pytest.raises(ConfigurationError) as caught:
        cls(
            tenant_id="42",
            username=" shop",
            password=None,
            secret_key="s3cr3t-k3y\n",
            base_url="http://payments.commerce.asia?x=1",
            timeout=0,
            max_retries=-1,
            retired_secret_keys="s3cr3t-old",
        )
    text = str(caught.value)
    for name in (
        "tenant_id",
        "username",
        "password",
        "secret_key",
        "plain http",
        "query",
        "timeout",
        "max_retries",
        "retired",
    ):
        assert name in text
    assert len(caught.value.problems) == 9
    assert "s3cr3t" not in text
    assert "s3cr3t" not in repr(caught.value)


WRONG: list[dict[str, Any]] = [
    *({"tenant_id": value} for value in (0, -1, True, "42", 42.0, None)),
    *({"username": value} for value in ("", " ", "shop ", "shop\n", None, 5, b"shop", "\udcff")),
    *({"password": value} for value in ("", None, 5, b"pw", "\udcff")),
    *({"secret_key": value} for value in ("", " ", "key ", "\tkey", "key\r\n", None, 5, b"key", "\udcff")),
    *({"retired_secret_keys": value} for value in ("old", [""], [None], ["old "], ["\udcff"], 5, {"old": 1})),
    *({"environment": value} for value in ("live", "", None, "Staging", 1)),
    *({"timeout": value} for value in (0, -1, math.inf, math.nan, None, "5", True, 10**400, 1e10, [5])),
    *({"max_retries": value} for value in (-1, 1.0, True, None, "2", math.inf)),
    *(
        {"base_url": value}
        for value in (
            "",
            "payments.commerce.asia",
            "//payments.commerce.asia",
            "ftp://payments.commerce.asia",
            "https://",
            "https://:443",
            "https://host:99999",
            "https://host:port",
            "https://[::1",
            "https://payments.commerce.asia\n",
            "\thttps://payments.commerce.asia",
            " https://payments.commerce.asia",
            "https://pay ments.commerce.asia",
            "https://payments.commerce.asia?",
            "https://payments.commerce.asia#",
            "https://payments.commerce.asia?a=1",
            "https://user:pw@payments.commerce.asia",
            "https://@payments.commerce.asia",
            "https://zahlung.exämple",
            "http://payments.commerce.asia",
            "HTTP://payments.commerce.asia",
            "http://127.0.0.1.evil.test",
            "http://localhost.evil.test",
            "http://localhost@evil.test",
            "http://localhost\\@evil.test",
            "http://0.0.0.0",
            "http://[::2]",
            5,
            b"https://payments.commerce.asia",
        )
    ),
]


@BOTH
@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: ascii(wrong)[:50])
def test_each_wrong_argument(cls: Any, wrong: dict[str, Any]) -> None:
    """Each wrong argument is a ConfigurationError that names it."""
    with pytest.raises(ConfigurationError) as caught:
        cls(**CREDENTIALS | wrong)
    assert all(next(iter(wrong)) in problem for problem in caught.value.problems)
    assert isinstance(caught.value, ValueError)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://localhost/", "http://localhost"),
        ("http://LOCALHOST:1/base//", "http://LOCALHOST:1/base"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("HTTPS://Payments.commerce.asia", "https://Payments.commerce.asia"),
        ("https://payments.commerce.asia:8443/base", "https://payments.commerce.asia:8443/base"),
    ],
)
def test_base_urls(given: str, used: str) -> None:
    """A base URL may have a port and a path; plain http is taken on loopback."""
    assert CommercePay(base_url=given, **CREDENTIALS).settings.base_url == used


def test_odd_but_right() -> None:
    """A password may have blanks around it; a timeout may be an int; retries may be off."""
    cp = CommercePay(**CREDENTIALS | {"password": " pw "}, timeout=1, max_retries=0, retired_secret_keys=("a", "b"))
    assert cp.settings.password.reveal() == " pw "
    assert [key.reveal() for key in cp.settings.retired_secret_keys] == ["a", "b"]


def test_environment_is_read_when_asked() -> None:
    """The variables can be given as a mapping, which is what `from_env` reads."""
    found = settings_module.from_environment({"timeout": 3}, {f"COMMERCEPAY_{k}": v for k, v in FULL.items()})
    assert found["tenant_id"] == 42
    assert found["timeout"] == 3
