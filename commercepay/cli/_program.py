"""What all commands have in common: exit statuses, errors as text or JSON, secrets and files as input."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final, NoReturn, TypeVar

import click

from commercepay import errors
from commercepay._base.json_guards import is_object
from commercepay._base.secret import Hidden

VERSION: Final = 1
"""Of the JSON that commands print. It changes if a member is removed or gets another meaning."""

INTERRUPTED, CLOSED_PIPE = 130, 141
"""The exit statuses that a shell shows for a program that SIGINT or SIGPIPE ended."""

STATUSES: Final[tuple[tuple[type[Exception], int], ...]] = (
    (errors.ArgumentError, 2),
    (errors.CallbackError, 3),
    (errors.AuthenticationError, 5),
    (errors.APIError, 4),
    (errors.OutcomeUnknown, 7),
    (errors.InvalidResponse, 8),
    (errors.APIConnectionError, 6),
    (errors.StillOpen, 9),
)
"""The exit status for each class of error; the first that matches counts. Others are 1, as is a result that is a no."""

F = TypeVar("F", bound=Callable[..., Any])

_as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object, and errors as JSON on stderr.")
_no_input = click.option("--no-input", is_flag=True, help="Never ask. What is missing is an error.")


def with_json(command: F) -> F:
    """The option `--json`, as the parameter `as_json`."""
    return _as_json(command)


def with_no_input(command: F) -> F:
    """The option `--no-input`."""
    return _no_input(command)


class Program(click.Group):
    """The command `commercepay`: it ends with a status for each class of error, and cleanly if it is interrupted."""

    def main(  # type: ignore[override]  # click's overloads depend on standalone_mode
        self, args: Sequence[str] | None = None, prog_name: str | None = None, **_options: object
    ) -> NoReturn:
        """Run the command in the arguments, and exit."""
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")  # the locale may lack a character
        sys.exit(self._run(sys.argv[1:] if args is None else list(args), prog_name))

    def _run(self, given: list[str], prog_name: str | None) -> int:
        as_json = "--json" in given
        try:
            status: object = super().main(given, prog_name, standalone_mode=False)
        except click.ClickException as error:
            if as_json:
                return _fail(error.format_message(), type(error).__name__, error.exit_code, as_json)
            error.show()
            return error.exit_code
        except (click.Abort, KeyboardInterrupt):
            return INTERRUPTED
        except _ClosedPipeError:
            _discard_output()
            return CLOSED_PIPE
        except errors.CommercePayError as error:
            return _fail(str(error), type(error).__name__, status_of(error), as_json)
        return status if isinstance(status, int) else 0

    def make_context(self, *args: Any, **options: Any) -> click.Context:
        with _closed_pipe():  # `--help` prints here
            return super().make_context(*args, **options)

    def invoke(self, ctx: click.Context) -> Any:
        with _closed_pipe():
            result = super().invoke(ctx)
            sys.stdout.flush()
        return result


@contextmanager
def _closed_pipe() -> Generator[None]:
    """Keep a closed pipe from click, which would end with status 1."""
    try:
        yield
    except BrokenPipeError as error:
        raise _ClosedPipeError from error


class _ClosedPipeError(Exception):
    """The reader of the output has ended."""


def _discard_output() -> None:
    """Send what is still buffered nowhere: Python flushes it when it ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())


def _fail(text: str, kind: str, status: int, as_json: bool) -> int:
    shown = json.dumps({"version": VERSION, "error": kind, "message": text}) if as_json else f"Error: {text}"
    click.echo(shown, err=True)
    return status


def status_of(error: Exception) -> int:
    """The exit status for an error."""
    return next((status for kind, status in STATUSES if isinstance(error, kind)), 1)


def show(as_json: bool, text: str, members: Mapping[str, Any]) -> None:
    """Print a result: as text, or as one JSON object with these members."""
    click.echo(json.dumps({"version": VERSION, **members}, indent=1) if as_json else text)


# --- input ------------------------------------------------------------------------------------------------------------

SECRET_KEY: Final = "COMMERCEPAY_SECRET_KEY"  # noqa: S105  # the name of a variable
"""The variable with the secret key. It is never an option: other users see the arguments of a process."""


def secret_key(no_input: bool) -> Hidden:
    """The secret key from the environment, or typed unseen.

    Raises:
        UsageError: it is not in the environment, and can't be asked for.
    """
    if found := os.environ.get(SECRET_KEY):
        return Hidden(found)
    if no_input or not sys.stdin.isatty():
        raise click.UsageError(f"no secret key: set the environment variable {SECRET_KEY}")
    return Hidden(click.prompt("Secret key", hide_input=True, err=True))


def signature_in(file: IO[str]) -> Hidden:
    """The signature in a file, without white space around it."""
    return Hidden(file.read(10_000).strip())


def members_in(text: str, place: str) -> dict[str, Any]:
    """The JSON object in a text.

    Raises:
        UsageError: it is none.
    """
    try:
        found: object = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise click.UsageError(f"{place} is not JSON: {error}") from None
    if not is_object(found):
        raise click.UsageError(f"{place} is a JSON {type(found).__name__}, not an object")
    return found


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner can read.

    Raises:
        UsageError: it can't be written.
    """
    try:
        path.unlink(missing_ok=True)  # others may be able to read the old file
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
    except OSError as error:
        raise click.UsageError(f"{path} can't be written: {error.strerror}") from None
