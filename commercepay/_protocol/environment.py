"""The environment variables that httpx reads: proxies and certificates."""

from __future__ import annotations

import os
from importlib import import_module
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from commercepay._base.extras import missing
from commercepay._base.hosts import is_loopback
from commercepay._protocol.http_library import httpx

CERTIFICATE_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR")

TLS_VARIABLES = (*CERTIFICATE_VARIABLES, "SSLKEYLOGFILE")
"""All that httpx and Python read for TLS."""


def certificate_problems(read: bool) -> list[str]:
    return [
        f"{name} {problem}"
        for name in CERTIFICATE_VARIABLES
        if (path := os.environ.get(name)) and (problem := _certificates_problem(name, path, read))
    ]


def _certificates_problem(name: str, path: str, read: bool) -> str | None:
    if name == "SSL_CERT_DIR":
        exists = any(map(os.path.isdir, path.split(os.pathsep)))
        return None if exists else "is not a directory"
    if not os.path.isfile(path):
        return "is not a file"
    if read:
        import ssl

        try:
            ssl.create_default_context(cafile=path)
        except OSError as error:
            return f"can't be read as certificates in PEM form ({type(error).__name__})"
    return None


def proxy_for(base_url: str) -> httpx.Proxy | None:
    """The proxy that the environment names for a URL. Loopback is always reached directly: it is this machine, not the proxy's.

    Raises:
        ValueError, httpx.InvalidURL: the variable holds no URL of a proxy; see `proxy_problems`.
        ImportError: it is a SOCKS proxy, and the library for it is missing.
    """
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    proxies = getproxies()
    url = proxies.get(parts.scheme) or proxies.get("all")
    if not url or is_loopback(host) or proxy_bypass(host):
        return None
    proxy = httpx.Proxy(url if "://" in url else f"http://{url}")
    if proxy.url.scheme.startswith("socks"):
        import_module("socksio")  # httpcore imports it only when it connects
    if not proxy.url.host:
        raise ValueError("a proxy needs a host")
    return proxy


def proxy_problems(base_url: str) -> list[str]:
    """What is wrong with the variable that names the proxy for a URL."""
    try:
        proxy_for(base_url)
    except ImportError:
        problem = f"is a SOCKS proxy: {missing(f'{httpx.__name__}[socks]', ModuleNotFoundError(name='socksio'))}"
    except (ValueError, TypeError, httpx.InvalidURL):
        problem = "is not the URL of a proxy, such as http://proxy.example:3128 or socks5://proxy.example:1080"
    else:
        return []
    names = (f"{urlsplit(base_url).scheme}_proxy", "all_proxy")
    found = [name for wanted in names for name in (wanted, wanted.upper()) if os.environ.get(name)]
    name = found[0] if found else "the proxy of the operating system"
    return [f"{name} {problem}"]
