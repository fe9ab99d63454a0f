"""`commercepay explain`: why a signature is wrong, and what is signed for a request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any, Final
from urllib.parse import parse_qsl, urlsplit

import click

from commercepay.cli._program import members_in, secret_key, show, signature_in, with_json, with_no_input

NOT_FOUND: Final = 1


@click.command(no_args_is_help=True)
@click.argument("url")
@click.option("--data", type=click.File(encoding="utf-8"), help="The JSON of a POST, as it is sent; - reads stdin.")
@click.option("--signature", type=click.File(encoding="utf-8"), help="A file with the signature that was refused.")
@click.option("--whole", is_flag=True, help="Show customers' data in the string to sign.")
@with_no_input
@with_json
def explain(
    url: str, data: IO[str] | None, signature: IO[str] | None, whole: bool, no_input: bool, as_json: bool
) -> int:
    """Show how the string to sign for a request to URL is built; with --signature, why that signature is wrong.

    Without --data it is a GET: its data is the query string of URL.

    \b
    Examples:
      commercepay explain "https://.../Query?SessionNumber=S1&Timestamp=1764000000000"
      COMMERCEPAY_SECRET_KEY=... commercepay explain https://.../InitialSession --data body.json --signature refused.txt

    The exit status is 0 if the signature is right or its explanation was found, and 1 if no known wrong reading gives it.
    """
    from commercepay import explain as explanations

    method, body = ("GET", "") if data is None else ("POST", data.read())
    sent = dict(parse_qsl(urlsplit(url).query, keep_blank_values=True)) if data is None else members_in(body, "--data")
    endpoint = _Endpoint(method, urlsplit(url).path)
    untyped = {name: value for name, value in sent.items() if endpoint.has(name)}
    members = {name: endpoint.typed(name, value) for name, value in untyped.items()} if data is None else untyped
    shown = explanations.steps(url, members if whole else explanations.masked(members))
    text = "\n".join(f"{number}. {step.rule}:\n   {step.text}" for number, step in enumerate(shown, 1))
    steps = [step.to_dict() for step in shown]
    if signature is None:
        show(as_json, text, {"steps": steps})
        return 0
    found = explanations.explain(
        url,
        members,
        secret_key(no_input),
        signature_in(signature),
        method=method,
        body=body,
        untyped=untyped,
        sent=None if untyped == sent else {**sent, **members},
        absent=endpoint.absent(sent),
    )
    fits = [list(fit.readings) for fit in found.fits]
    result = {"steps": steps, "fits": fits, "tried": found.tried, "text": found.text}
    show(as_json, f"{text}\n\n{found}", result)
    return 0 if found.fits else NOT_FOUND


class _Endpoint:
    """The members that the description has for an endpoint, on the top level; all members for an unknown endpoint."""

    def __init__(self, method: str, path: str) -> None:
        self._types = {name.lower(): (name, kind) for name, kind in _members(method, path).items()}

    def has(self, name: str) -> bool:
        return not self._types or name.lower() in self._types

    def typed(self, name: str, value: str) -> str | int:
        """The value of a query parameter in the endpoint's type."""
        _, kind = self._types.get(name.lower(), (name, "string"))
        return int(value) if kind == "integer" and value.isascii() and value.isdigit() else value

    def absent(self, sent: Mapping[str, Any]) -> list[str]:
        names = {name.lower() for name in sent}
        return [name for lower, (name, _) in self._types.items() if lower not in names]


def _members(method: str, path: str) -> dict[str, str]:
    """The names and types of an endpoint's members."""
    from commercepay._description.merging import bundled

    document = bundled()
    known = {one.lower(): item for one, item in document["paths"].items()}
    operation = known.get(path.rstrip("/").lower(), {}).get(method.lower())
    if operation is None:
        return {}
    if method == "GET":
        found = {one["name"]: one["schema"] for one in operation.get("parameters", ()) if one["in"] == "query"}
    else:
        found = _properties(document, operation["requestBody"]["content"]["application/json"]["schema"])
    return {name: str(schema.get("type")) for name, schema in found.items()}


def _properties(document: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """The properties of a schema, with those of its parts."""
    found: dict[str, Any] = {}
    parts = [*schema.get("allOf", ())]
    if reference := schema.get("$ref"):
        parts.append(document["components"]["schemas"][reference.rpartition("/")[2]])
    for part in parts:
        found |= _properties(document, part)
    properties: dict[str, Any] = schema.get("properties", {})
    return found | properties
