"""The gateway's servers; and what a host name is, by its text only: no DNS query is made."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv6Address

STAGING_URL = "https://staging-payments.commerce.asia"
PRODUCTION_URL = "https://payments.commerce.asia"
"""The gateway's servers (source: public integrations)."""

_NOT_PUBLIC = ("localhost", "local", "internal", "test", "lan", "home.arpa")
"""Top-level names that no public DNS server resolves (RFC 6761, 6762, 8375, and common use)."""


def is_loopback(host: str) -> bool:
    """Whether a host is this machine: `localhost`, a name below it (RFC 6761), 127.0.0.0/8, ::1, in any notation."""
    name = host.lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    address = _address(name)
    return address is not None and address.is_loopback


def is_unspecified(host: str) -> bool:
    """Whether a host is 0.0.0.0 or ::, the address of every interface. A client connects to this machine."""
    address = _address(host)
    return address is not None and address.is_unspecified


def is_address(host: str) -> bool:
    """Whether a host is an IP address, and not a name."""
    return _address(host) is not None


def is_public(host: str) -> bool:
    """Whether other people may be able to reach a host."""
    name = host.lower().rstrip(".")
    if (address := _address(name)) is not None:
        return address.is_global
    return "." in name and not name.endswith(tuple(f".{end}" for end in _NOT_PUBLIC))


def _address(host: str) -> IPv4Address | IPv6Address | None:
    """The IP address, if the host is one. IPv4 can be in the short and hexadecimal notations that `connect` accepts."""
    import ipaddress
    import socket

    try:
        if ":" not in host:
            return ipaddress.IPv4Address(socket.inet_aton(host))
        address = ipaddress.IPv6Address(host)
    except (OSError, ValueError):
        return None
    return address.ipv4_mapped or address
