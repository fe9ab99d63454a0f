"""Creating a client: which settings are errors, and that one error names all of them."""

from __future__ import annotations

import logging
import math
import pickle
import re
from collections.abc import Callable
from typing import Any

import pytest
from facade.conftest import CREDENTIALS, OPENING

from commercepay import ArgumentError, AsyncCommercePay, CommercePay, ConfigurationError
from commercepay._protocol.published import SANDBOX_CREDENTIALS
from commercepay._protocol.settings import ENVIRONMENTS, VARIABLES

BOTH = pytest.mark.parametrize("cls", [CommercePay, AsyncCommercePay])
NAMES = ("TENANT_ID", "USERNAME", "PASSWORD", "SECRET_KEY")


@pytest.fixture
def variables(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Sets the variables given, and no others of the package: `variables(TENANT_ID="42")`."""

    def put(**given: str) -> None:
        for name in VARIABLES.values():
            monkeypatch.delenv(name, raising=False)
        for name, value in given.items():
            monkeypatch.setenv(f"COMMERCEPAY_{name}", value)

    put()
    return put


FULL = {"TENANT_ID": "42", "USERNAME": "shop", "PASSWORD": "pw", "SECRET_KEY": "key"}
LOCAL = "http://127.0.0.1:8400"


def problems_of(build: Callable[..., Any], **given: Any) -> tuple[str, ...]:
    """The text of the error of a client that can't be created."""
    with pytest.raises(ConfigurationError) as caught:
        build(**given)
    return caught.value.problems


@BOTH
def test_from_env(variables: Any, cls: Any) -> None:
    """`from_env` reads the variables. An argument overrides its variable; None does not."""
    variables(**FULL)
    cp = cls.from_env(username=None)
    assert type(cp) is cls
    assert (cp.settings.tenant_id, cp.settings.username) == (42, "shop")
    assert (cp.settings.password.reveal(), cp.settings.secret_key.reveal()) == ("pw", "key")
    assert cp.settings.base_url == "https://staging-payments.commerce.asia"
    variables(**FULL, BASE_URL=f"{LOCAL}/")
    cp = cls.from_env(timeout=5, tenant_id=7)
    assert (cp.settings.base_url, cp.settings.timeout, cp.settings.tenant_id) == (LOCAL, 5, 7)


def test_from_env_names_all_that_is_missing(variables: Any) -> None:
    """One error names every variable that is missing, empty ones included, or wrong."""
    variables(USERNAME="")
    assert [problem.split()[0] for problem in problems_of(CommercePay.from_env)] == [
        f"COMMERCEPAY_{name}" for name in NAMES
    ]
    variables(TENANT_ID="forty-two", ENVIRONMENT="live")
    assert {problem.split()[0] for problem in problems_of(CommercePay.from_env)} == {
        f"COMMERCEPAY_{name}" for name in (*NAMES, "ENVIRONMENT")
    }


@pytest.mark.parametrize("tenant", ["0", "-1", "4.2", "٤٢", "x", "1e3", " 42"])
def test_from_env_tenant(variables: Any, tenant: str) -> None:
    """A tenant id that is not a positive number is an error."""
    variables(**FULL | {"TENANT_ID": tenant})
    assert problems_of(CommercePay.from_env) == ("COMMERCEPAY_TENANT_ID must be a positive whole number",)


@pytest.mark.parametrize("name", [*NAMES, "ENVIRONMENT", "BASE_URL"])
@pytest.mark.parametrize("form", ["{}\n", "{}\r", "{}\r\n", '"{}"', "'{}'"])
def test_from_env_as_files_write_it(variables: Any, name: str, form: str) -> None:
    """A variable with a line end or quotes, from an env file or `echo`, is an error that names it and hides its value."""
    right = {"TENANT_ID": "42", "USERNAME": "Hush-1", "PASSWORD": "Hush-2", "SECRET_KEY": "Hush-3"}
    right |= {"ENVIRONMENT": "production", "BASE_URL": ENVIRONMENTS["production"]}
    variables(**right)
    CommercePay.from_env()
    variables(**right | {name: form.format(right[name])})
    (problem,) = problems_of(CommercePay.from_env)
    assert problem.startswith(f"COMMERCEPAY_{name} ")
    assert ("quotes" in problem) == (form[0] != "{")
    assert "Hush" not in problem


@pytest.mark.parametrize("name", ["TENANT_ID", "ENVIRONMENT", "BASE_URL"])
def test_a_secret_in_the_wrong_variable_is_not_shown(variables: Any, name: str) -> None:
    """A configuration error does not show a value in the wrong place."""
    variables(**FULL | {name: "https://h:Hush-1" if name == "BASE_URL" else "Hush-1"})
    assert "Hush" not in " ".join(problems_of(CommercePay.from_env))


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("COMMERCEPAY_ENV", "ENVIRONMENT"),
        ("COMMERCEPAY_ENVIROMENT", "ENVIRONMENT"),
        ("commercepay_environment", "ENVIRONMENT"),
        ("COMMERCE_PAY_ENVIRONMENT", "ENVIRONMENT"),
        ("COMERCEPAY_PASSWORD", "PASSWORD"),
        ("COMMERCEPAY_PASSWD", "PASSWORD"),
        ("COMMERCEPAY_USER", "USERNAME"),
        ("COMMERCEPAY_TENANT", "TENANT_ID"),
        ("COMMERCEPAY_SECRETKEY", "SECRET_KEY"),
        ("COMMERCEPAY_URL", "BASE_URL"),
    ],
)
def test_a_misspelt_variable(variables: Any, monkeypatch: pytest.MonkeyPatch, wrong: str, right: str) -> None:
    """A variable that resembles one of the package's is an error that names both."""
    variables(**FULL)
    monkeypatch.setenv(wrong, "Hush-1")
    assert problems_of(CommercePay.from_env) == (f"{wrong} is set, but the variable is COMMERCEPAY_{right}",)
    monkeypatch.setenv(wrong, "")
    CommercePay.from_env()


def test_other_variables_are_left_alone(variables: Any) -> None:
    """Variables of Kubernetes and Docker for a service named commercepay, and of an application, are not errors."""
    others = (
        "SERVICE_HOST",
        "SERVICE_PORT",
        "SERVICE_PORT_HTTP",
        "PORT",
        "PORT_8400_TCP",
        "PORT_8400_TCP_ADDR",
        "NAME",
    )
    others += ("ENV_PATH", "LOG", "CALLBACK_URL", "OLD_SECRET_KEY", "SECRET_KEY_2", "PASSWORD_FILE", "DB_PASSWORD")
    variables(**FULL | dict.fromkeys(others, "x"))
    assert CommercePay.from_env().settings.environment == "staging"


# --- which server -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "environment", "base_url"),
    [
        ({}, "staging", ENVIRONMENTS["staging"]),
        ({"environment": "production"}, "production", ENVIRONMENTS["production"]),
        ({"environment": "production", "base_url": None}, "production", ENVIRONMENTS["production"]),
        (
            {"environment": "production", "base_url": "https://PAYMENTS.commerce.asia:443/"},
            "production",
            "https://PAYMENTS.commerce.asia:443",
        ),
        ({"base_url": ENVIRONMENTS["production"]}, "production", ENVIRONMENTS["production"]),
        ({"base_url": "https://gateway.example"}, "custom", "https://gateway.example"),
        ({"base_url": LOCAL}, "custom", LOCAL),
    ],
)
def test_which_server(variables: Any, given: dict[str, Any], environment: str, base_url: str) -> None:
    """Environment and base URL together give the server, as arguments and as variables."""
    assert CommercePay(**CREDENTIALS, **given).settings.environment == environment
    assert CommercePay(**CREDENTIALS, **given).settings.base_url == base_url
    variables(**FULL | {name.upper(): value for name, value in given.items() if value})
    assert CommercePay.from_env().settings.environment == environment
    assert CommercePay.from_env().settings.base_url == base_url


@pytest.mark.parametrize("environment", ["staging", "production"])
@pytest.mark.parametrize("base_url", [LOCAL, "https://gateway.example", ENVIRONMENTS["staging"] + "/x", "the other"])
def test_a_base_url_of_another_server(variables: Any, environment: str, base_url: str) -> None:
    """A base URL of another environment is an error that names both, for arguments and variables."""
    if base_url == "the other":
        base_url = ENVIRONMENTS["production" if environment == "staging" else "staging"]
    for in_shell in ({}, {"environment"}, {"base_url"}, {"environment", "base_url"}):
        both = {"environment": environment, "base_url": base_url}
        variables(**FULL, **{name.upper(): both.pop(name) for name in in_shell})
        (problem,) = problems_of(CommercePay.from_env, **both)
        assert environment in problem
        assert base_url in problem
        for name in ("environment", "base_url"):
            assert (VARIABLES[name] if name in in_shell else f"{name} ") in problem


@pytest.mark.parametrize(
    "given", [{"environment": "prod"}, {"environment": "Production"}, {"environment": "produktion"}]
)
def test_a_misspelt_environment(given: dict[str, Any]) -> None:
    """An unknown environment is an error that suggests one, also if there is a base URL."""
    for address in ({}, {"base_url": LOCAL}):
        (problem,) = problems_of(CommercePay, **CREDENTIALS, **given, **address)
        assert problem == "environment must be one of staging, production, sandbox; did you mean 'production'?"


# --- the sandbox ------------------------------------------------------------------------------------------------------


@BOTH
def test_the_sandbox_needs_nothing_else(variables: Any, caplog: pytest.LogCaptureFixture, cls: Any) -> None:
    """`environment="sandbox"` alone gives a client of the sandbox on this machine, with a warning that its key is published."""
    variables(ENVIRONMENT="sandbox")
    for cp in (cls(environment="sandbox"), cls.from_env()):
        assert (cp.settings.environment, cp.settings.base_url) == ("sandbox", LOCAL)
        assert cp.settings.tenant_id == SANDBOX_CREDENTIALS[0].tenant_id
        assert cp.settings.secret_key.reveal() == SANDBOX_CREDENTIALS[0].secret_key
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert [LOCAL in line and "published" in line for line in warnings] == [True, True]


@pytest.mark.parametrize(
    "base_url",
    ["http://sandbox:8400", "http://0.0.0.0:8400", "http://172.18.0.3:8400", "https://sandbox.corp.example", LOCAL],
)
def test_the_sandbox_may_be_anywhere(base_url: str) -> None:
    """The sandbox can be on any host, also by plain http, because only published credentials are sent there."""
    assert CommercePay(environment="sandbox", base_url=base_url).settings.base_url == base_url


@pytest.mark.parametrize("one", SANDBOX_CREDENTIALS, ids=lambda one: str(one.tenant_id))
def test_the_sandbox_takes_its_own_credentials(one: Any) -> None:
    """The published credentials of both merchants are accepted, all or some of them."""
    whole = {name: getattr(one, name) for name in CREDENTIALS}
    for given in (whole, {"tenant_id": one.tenant_id}):
        assert CommercePay(environment="sandbox", **given).settings.username == one.username


@pytest.mark.parametrize("name", list(CREDENTIALS))
def test_the_sandbox_takes_no_other_credentials(variables: Any, name: str) -> None:
    """Any other credential is an error that names it and does not show it, from an argument or a variable."""
    (problem,) = problems_of(CommercePay, environment="sandbox", **{name: CREDENTIALS[name]})
    assert problem.endswith(f"leave out {name}")
    variables(ENVIRONMENT="sandbox", **{name.upper(): str(CREDENTIALS[name])})
    (problem,) = problems_of(CommercePay.from_env)
    assert problem.endswith(f"leave out COMMERCEPAY_{name.upper()}")
    assert name in ("tenant_id", "username") or CREDENTIALS[name] not in problem
    swapped = {"tenant_id": SANDBOX_CREDENTIALS[0].tenant_id, "secret_key": SANDBOX_CREDENTIALS[1].secret_key}
    assert len(problems_of(CommercePay, environment="sandbox", **swapped)) == 1


@pytest.mark.parametrize("base_url", [*list(ENVIRONMENTS.values())[:2], "http://payments.commerce.asia:8080/x"])
def test_the_sandbox_is_not_the_gateway(base_url: str) -> None:
    """The gateway's servers are never accepted as a sandbox."""
    (problem,) = problems_of(CommercePay, environment="sandbox", base_url=base_url)
    assert base_url in problem
    assert "'sandbox'" in problem


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_published_keys_are_refused(environment: str) -> None:
    """Staging and production refuse the sandbox's keys, also as retired keys, and also by their base URL alone."""
    key = SANDBOX_CREDENTIALS[1].secret_key
    for server in ({"environment": environment}, {"base_url": ENVIRONMENTS[environment]}):
        (problem,) = problems_of(CommercePay, **CREDENTIALS | {"secret_key": key}, **server)
        assert problem.startswith("secret_key ")
        assert key not in problem
        (problem,) = problems_of(CommercePay, **CREDENTIALS, retired_secret_keys=["old", key], **server)
        assert problem.startswith("retired_secret_keys ")


PLACES = {
    "https://shop.example.my/x": "public",
    "HTTPS://1.1.1.1/x": "public",
    "https://shop.example.my:8443/x": "public",
    "https://[2606:4700::1111]/x": "public",
    "https://192.168.1.7/x": "private",
    "https://web/x": "private",
    "https://shop.test/x": "private",
    "http://shop.example.my/x": "plain",
    "http://web:8000/x": "plain",
    "http://localhost/x": "loopback",
    "https://localhost./x": "loopback",
    "https://shop.localhost/x": "loopback",
    "https://127.9.9.9/x": "loopback",
    "https://127.1/x": "loopback",
    "https://0x7f000001/x": "loopback",
    "https://[::1]/x": "loopback",
    "https://[::ffff:127.0.0.1]/x": "loopback",
    "https://0.0.0.0/x": "loopback",
    "https://[::]/x": "loopback",
}
REFUSED = {"production": {"callback_url": ["plain", "loopback"], "return_url": ["plain", "loopback"]}}
REFUSED |= {"sandbox": {"callback_url": ["public"]}}


@pytest.mark.parametrize("environment", ["staging", "production", "sandbox", "custom"])
@pytest.mark.parametrize("name", ["callback_url", "return_url"])
def test_callback_and_return_urls(environment: str, name: str) -> None:
    """Production refuses URLs of plain http and of this machine, the sandbox callbacks to public servers, in every call."""
    address: dict[str, Any] = {"base_url": "http://127.0.0.1:1"} if environment in ("custom", "sandbox") else {}
    named = {} if environment == "custom" else {"environment": environment}
    member = {"callback_url": "callbackUrl", "return_url": "returnUrl"}[name]
    # No URL is valid in every environment. The other URL is one of a private host.
    other = dict.fromkeys(("callback_url", "return_url"), "https://192.168.1.7/y")
    with CommercePay(**({} if environment == "sandbox" else CREDENTIALS), **named, **address) as cp:
        for url, place in PLACES.items():
            refused = place in REFUSED.get(environment, {}).get(name, ())
            given = OPENING | other | {name: url}
            for call, arguments in (  # each has another error, in every environment
                (cp.sessions.create, given | {"channel_id": 1}),
                (cp.payments.create, given | {"expires_in": 1}),
                (cp.request, {"method": "POST", "path": "/x", "json": {member: url, "bad": object()}}),
            ):
                with pytest.raises(ArgumentError) as caught:
                    call(**arguments)
                problems = [one for one in caught.value.problems if one.startswith(name)]
                assert [bool(re.search("machine|plain http|published", one)) for one in problems] == [True] * refused, (
                    url
                )
                assert len(caught.value.problems) == 1 + refused, url


@BOTH
def test_all_in_one(cls: Any) -> None:
    """One error names every wrong argument, and shows no secret."""
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
    *({"password": value} for value in ("", None, 5, b"pw", "\udcff", "pw\n", "pw\r\n")),
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
def test_each_wrong_argument(cls: Any) -> None:
    """Each wrong argument is a ConfigurationError that names it."""
    for wrong in WRONG:
        with pytest.raises(ConfigurationError) as caught:
            cls(**CREDENTIALS | wrong)
        assert all(next(iter(wrong)) in problem for problem in caught.value.problems), wrong
        assert isinstance(caught.value, ValueError)
        assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://localhost/", "http://localhost"),
        ("http://LOCALHOST:1/base//", "http://LOCALHOST:1/base"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("http://127.0.0.2:8080", "http://127.0.0.2:8080"),
        ("http://shop.localhost", "http://shop.localhost"),
        ("HTTPS://Payments.commerce.asia", "https://Payments.commerce.asia"),
        ("https://payments.commerce.asia:8443/base", "https://payments.commerce.asia:8443/base"),
    ],
)
def test_base_urls(given: str, used: str) -> None:
    """A base URL may have a port and a path. Plain http is accepted for loopback, in every notation."""
    assert CommercePay(base_url=given, **CREDENTIALS).settings.base_url == used


def test_odd_but_right() -> None:
    """A password may have blanks around it, and quotes if it is an argument; a timeout may be an int; retries may be 0."""
    cp = CommercePay(**CREDENTIALS | {"password": " pw "}, timeout=1, max_retries=0, retired_secret_keys=("a", "b"))
    assert cp.settings.password.reveal() == " pw "
    assert [key.reveal() for key in cp.settings.retired_secret_keys] == ["a", "b"]
    assert CommercePay(**CREDENTIALS | {"password": '"pw"'}).settings.password.reveal() == '"pw"'


def test_a_misspelt_argument(variables: Any) -> None:
    """The error for an unknown argument, of the client or of `from_env`, suggests a known one."""
    variables(**FULL)
    for build in (CommercePay.from_env, lambda **given: CommercePay(**CREDENTIALS, **given)):
        for wrong, right in (("tenant", "tenant_id"), ("time_out", "timeout"), ("htp_client", "http_client")):
            assert problems_of(build, **{wrong: 1}) == (
                f"a client has no parameter {wrong!r}; did you mean {right!r}?",
            )
        assert problems_of(build, colour=1) == ("a client has no parameter 'colour'",)
