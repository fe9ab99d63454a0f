"""The environment variables that httpx reads: proxies and certificates."""

from __future__ import annotations

import os

import httpx

from commercepay._base.extras import missing

PROXY_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
"""The proxies' URLs. In lower case, too; NO_PROXY lists the hosts that are reached without one."""

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


def proxy_problems() -> list[str]:
    names = [name for name in os.environ if name.upper() in PROXY_VARIABLES and os.environ[name]]
    problems = [f"{name} {problem}" for name in names if (problem := _proxy_problem(os.environ[name]))]
    if names and not problems:
        try:
            httpx.Client(verify=False).close()  # noqa: S501  # it connects to nothing: only the variables are read
        except (ValueError, TypeError, httpx.InvalidURL):
            problems.append("NO_PROXY can't be read by httpx: write hosts, domains and addresses, and no IPv6 networks")
    return problems


def _proxy_problem(proxy: str) -> str | None:
    try:
        # As httpx reads it; without TLS, which takes long and is checked separately.
        httpx.HTTPTransport(verify=False, proxy=proxy if "://" in proxy else f"http://{proxy}").close()
    except ImportError:
        return f"is a SOCKS proxy: {missing('httpx[socks]', ModuleNotFoundError(name='socksio'))}"
    except (ValueError, TypeError, httpx.InvalidURL):
        return "is not the URL of a proxy, such as http://proxy.example:3128 or socks5://proxy.example:1080"
    return None
