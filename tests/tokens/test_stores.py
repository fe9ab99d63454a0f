"""What every token store does: those of the package, and the one in docs/tokens.md."""

from __future__ import annotations

import asyncio
import inspect
import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tokens.conftest import KINDS

from commercepay import CommercePay, ConfigurationError, tokens
from commercepay.testing import sandbox

GUIDE = (Path(__file__).parents[2] / "docs" / "tokens.md").read_text("utf-8")
FIRST, OWN = re.findall(r"^```python\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)
STORES = ["own", *KINDS, *(["redis-async", "redis-client", "redis-async-client"] if "redis" in KINDS else [])]


class Store:
    """A store, sync or async, with one interface."""

    def __init__(self, store: Any) -> None:
        self.store = store
        self._runner = asyncio.Runner()

    def do(self, function: Callable[..., Any], *args: object) -> Any:
        async def wait(made: Any) -> Any:
            return await made

        made = function(*args)
        return self._runner.run(wait(made)) if inspect.isawaitable(made) else made

    def load(self, key: str) -> Any:
        return self.do(self.store.load, key)

    def save(self, key: str, value: str, seconds: float = 60) -> None:
        self.do(self.store.save, key, value, seconds)

    def lock(self, key: str, seconds: float = 60) -> Callable[[], object] | None:
        release = self.do(self.store.lock, key, seconds)
        return None if release is None else lambda: self.do(release)

    def end(self) -> None:
        client = getattr(self.store, "_client", None)
        if client is not None:
            self.do(client.aclose if "async" in repr(type(client)) else client.close)
        self._runner.close()


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    kind: str = request.param
    if kind == "own":
        made = own_store()(str(tmp_path / "tokens.db"))
    elif kind == "file":
        made = tokens.FileStore(tmp_path / "tokens")
    else:
        import redis

        url = request.getfixturevalue("redis_server").url
        with redis.Redis.from_url(url) as client:
            client.flushall()
        cls: Any = tokens.AsyncRedisStore if "async" in kind else tokens.RedisStore
        library: Any = redis.asyncio if "async" in kind else redis
        made = cls(library.Redis.from_url(url, decode_responses=True) if "client" in kind else url)
    wrapped = Store(made)
    yield wrapped
    wrapped.end()


def own_store() -> Any:
    names: dict[str, Any] = {}
    exec(compile(OWN.partition("\n\n\ncp = ")[0], "docs/tokens.md", "exec"), names)
    return names["SqlStore"]


def test_entries(store: Any) -> None:
    """A value is found under its key, and replaced as a whole."""
    assert store.load("a") is None
    store.save("a", "a long value")
    store.save("a", "short")
    store.save("b", "é")
    assert (store.load("a"), store.load("b"), store.load("c")) == ("short", "é", None)


def test_a_lock_is_free_or_not(store: Any) -> None:
    """One caller at a time holds the lock of a key. Others are refused at once, and keys don't affect each other."""
    release = store.lock("a")
    assert release is not None
    assert store.lock("a") is None
    other = store.lock("b")
    assert other is not None
    release()
    again = store.lock("a")
    assert again is not None
    again()
    other()


def test_only_the_owner_releases_a_lock(store: Any) -> None:
    """A lock that has lapsed becomes free; its former holder does not release the next one's."""
    late = store.lock("a", 0.05)
    assert late is not None
    if isinstance(store.store, tokens.FileStore):  # whose lock does not lapse: it ends with the process
        late()
        lock = store.lock("a")
    else:
        end = time.monotonic() + 20
        while (lock := store.lock("a")) is None:
            assert time.monotonic() < end
    late()
    assert store.lock("a") is None
    assert lock is not None
    lock()


def test_files_are_for_the_owner_only(tmp_path: Path) -> None:
    """The folder and the files of a `FileStore` can be read by their owner only, whatever the umask."""
    before = os.umask(0)
    try:
        store = tokens.FileStore(tmp_path / "new" / "tokens")
        release = store.lock("a", 60)
        store.save("a", "value", 60)
    finally:
        os.umask(before)
    assert release is not None
    release()
    assert {path.name for path in (tmp_path / "new" / "tokens").iterdir()} >= {"a.json"}
    assert (tmp_path / "new" / "tokens").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "new" / "tokens").iterdir()} == {0o600}


def test_a_file_that_can_not_be_replaced(tmp_path: Path) -> None:
    """If a file can't be replaced, the error is raised, and no copy of the token stays behind."""
    (tmp_path / "a.json").mkdir()
    with pytest.raises(OSError, match=r"a\.json"):
        tokens.FileStore(tmp_path).save("a", "value", 60)
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


@pytest.mark.parametrize(
    ("make", "phrase"),
    [
        (lambda: tokens.FileStore("tokens"), "absolute path"),
        (lambda: tokens.RedisStore("redis://:Hidden-1@cache:port/0"), "RedisStore needs a URL such as redis"),
        (lambda: tokens.AsyncRedisStore("Hidden-1"), "AsyncRedisStore needs a URL such as redis"),
    ],
)
def test_wrong_arguments(make: Callable[[], object], phrase: str) -> None:
    """A wrong argument is an error that does not quote it."""
    with pytest.raises(ConfigurationError, match=phrase) as caught:
        make()
    assert "Hidden-1" not in str(caught.value)
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://:Hidden-1@cache:6379/0", "redis://cache"),
        ("rediss://shop:Hidden-1@cache:6379/0?client_name=Hidden-1", "rediss://cache"),
        ("unix://shop:Hidden-1@/run/redis.sock?db=0", "unix:///run/redis.sock"),
        ("unix://shop:a/Hidden-1@/run/redis.sock", "unix://"),
    ],
)
@pytest.mark.parametrize("cls", [tokens.RedisStore, tokens.AsyncRedisStore])
def test_reprs_hide_the_password(cls: Any, url: str, shown: str) -> None:
    """The repr of a store has the server, but no password."""
    assert repr(cls(url)) == f"{cls.__name__}({shown})"


@pytest.mark.parametrize("library", ["redis", "filelock"])
def test_a_missing_library(monkeypatch: pytest.MonkeyPatch, library: str) -> None:
    """Without the library, the error has the command that installs it."""
    monkeypatch.setitem(__import__("sys").modules, library, None)
    make = {"redis": lambda: tokens.RedisStore("redis://cache"), "filelock": lambda: tokens.FileStore("/run/shop")}
    extra = {"redis": "redis", "filelock": "filestore"}[library]
    with pytest.raises(ModuleNotFoundError, match=rf"pip install 'commercepay\[{extra}\]'"):
        make[library]()


def test_the_guide(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Two clients with the guide's own store use one token; the store has at most 30 lines."""
    assert len(OWN[OWN.index("class ") : OWN.index("\n\n\ncp")].splitlines()) <= 30
    with sandbox() as gateway:
        for name, value in gateway.environment.items():
            monkeypatch.setenv(name, value)
        store = own_store()(str(tmp_path / "tokens.db"))
        for _ in range(2):
            with CommercePay.from_env(token_store=store) as cp:
                assert cp.channels.list(country="MY")
        assert [one.operation for one in gateway.requests].count("Authenticate") == 1
