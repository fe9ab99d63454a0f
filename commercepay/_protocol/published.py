"""The sandbox's address and credentials. They are published: they protect nothing, and anybody can forge a callback."""

from __future__ import annotations

from commercepay._base.record import Record


class Credentials(Record):
    """The published test credentials of one of the sandbox's merchants. Still, their repr shows no secret."""

    tenant_id: int
    username: str
    password: str
    secret_key: str

    _aside = ("password", "secret_key")


SANDBOX_PORT = 8400

SANDBOX_URL = f"http://127.0.0.1:{SANDBOX_PORT}"

SANDBOX_CREDENTIALS = (
    Credentials(
        tenant_id=1001,
        username="sandbox-user",
        password="sandbox-password",
        secret_key="sandbox-secret-key-1001",
    ),
    # A second merchant, to test that one merchant's secret, token or payment does not work for another.
    Credentials(
        tenant_id=1002,
        username="other-user",
        password="other-password",
        secret_key="sandbox-secret-key-1002",
    ),
)
