"""A client that was created before a fork, used in both processes."""

from __future__ import annotations

import json
import os
import textwrap
from typing import Any

import pytest
from facade.gateway import QUERY, Gateway
from processes import python

PRELUDE = """
import asyncio, json, os, sys, threading, time
from commercepay import AsyncCommercePay, CommercePay
from commercepay._protocol.token import Need

cp = {client}(tenant_id=42, username="shop", password="Pass-Word-Example",
              secret_key="Secret-Key-Example", base_url=sys.argv[1])

def in_child(act):
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            output = json.dumps(act())
        except BaseException as error:
            output = json.dumps(repr(error))
        os.write(writer, output.encode())
        os._exit(0)
    os.close(writer)
    with open(reader, "rb") as pipe:
        output = pipe.read()
    os.waitpid(pid, 0)
    return json.loads(output)

def ask(**options):
    return cp.payments.query(session_number="S-1", **options).status.value
"""

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


def run(gateway: Gateway, script: str, client: str = "CommercePay") -> Any:
    """Run a script in a new process, which forks. Return what it printed as JSON."""
    done = python(PRELUDE.format(client=client) + textwrap.dedent(script), gateway.url)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_both_sides_go_on(gateway: Gateway) -> None:
    """Parent and child both keep working, each on connections of its own, with the token that was there before; a child
    that closes its copy leaves the parent's alone.
    """
    script = """
        cold = in_child(ask)
        before = ask()
        http = cp.api.get_httpx_client()
        child = in_child(lambda: [ask(), ask(), cp.api.get_httpx_client() is http, cp.close()])
        print(json.dumps([cold, before, child, ask(), cp.api.get_httpx_client() is http]))
    """
    assert run(gateway, script) == [1, 1, [1, 1, False, None], 1, True]
    assert gateway.authenticates == 2  # the cold child's, and the parent's
    assert gateway.count(QUERY) == 5


def test_a_fork_during_authenticate(gateway: Gateway) -> None:
    """A child forked while another thread authenticates, or holds the lock, does not wait for that thread."""
    script = """
        import time
        from commercepay._protocol.token import Need

        tokens = cp.api._httpx_args["auth"]._tokens
        flying, land = threading.Event(), threading.Event()

        def slow(_):
            flying.set()
            land.wait(20)
            return "never-valid", 60

        thread = threading.Thread(target=tokens.get, args=(slow, Need(time.monotonic() + 20)))
        thread.start()
        assert flying.wait(20)
        with tokens._lock, cp.api.connections._lock:
            child = in_child(ask)
        land.set()
        thread.join()
        print(json.dumps([child, ask()]))
    """
    assert run(gateway, script) == [1, 1]
    assert gateway.authenticates == 2  # the child's, and the parent's after its invalid token was refused


def test_an_async_client(gateway: Gateway) -> None:
    """An async client works in the child under a new event loop, and in the parent's running one; a child that closes its
    copy neither waits for the parent's loop nor closes the parent's connections.
    """
    script = """
        async def once(close=False):
            status = (await cp.payments.query(session_number="S-1")).status.value
            if close:
                await cp.aclose()
            return status

        async def main():
            before = await once()
            child = await asyncio.to_thread(in_child, lambda: asyncio.run(once(close=True)))
            return [before, child, await once(close=True)]

        print(json.dumps(asyncio.run(main())))
    """
    assert run(gateway, script, "AsyncCommercePay") == [1, 1, 1]
    assert gateway.authenticates == 1
