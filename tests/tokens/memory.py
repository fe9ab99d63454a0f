"""A token store in memory."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any


class Memory:
    """A store in memory that counts its operations, and fails in one of them."""

    def __init__(self, fails_at: str = "", fail: Callable[[], object] = lambda: None) -> None:
        self.entries: dict[str, str] = {}
        self.locked: set[str] = set()
        self.operations: list[str] = []
        self.fails_at = fails_at
        self.fail = fail

    def at(self, name: str) -> None:
        self.operations.append(name)
        if name == self.fails_at:
            self.fail()

    def load(self, key: str) -> str | None:
        self.at("load")
        return self.entries.get(key)

    def save(self, key: str, value: str, seconds: float) -> None:
        self.at("save")
        self.entries[key] = value

    def lock(self, key: str, seconds: float) -> Callable[[], object] | None:
        self.at("lock")
        if key in self.locked:
            return None
        self.locked.add(key)
        return partial(self.unlock, key)

    def unlock(self, key: str) -> None:
        self.at("unlock")
        self.locked.discard(key)


class AsyncMemory:
    """The same, async."""

    def __init__(self, memory: Memory) -> None:
        self.memory = memory

    async def load(self, key: str) -> str | None:
        return self.memory.load(key)

    async def save(self, key: str, value: str, seconds: float) -> None:
        self.memory.save(key, value, seconds)

    async def lock(self, key: str, seconds: float) -> Any:
        release = self.memory.lock(key, seconds)

        async def arelease() -> None:
            assert release is not None
            release()

        return None if release is None else arelease
