"""The configured site, for the commands."""

from __future__ import annotations

from typing import Any

from commercepay.errors import ConfigurationError
from commercepay.integrations._endpoint import is_async
from commercepay.integrations.django._configuration import Configuration, current
from commercepay.integrations.django.management._border import CommandError


def site() -> Configuration:
    """The configuration.

    Raises:
        CommandError: names everything that is wrong with it.
    """
    try:
        return current()
    except ConfigurationError as error:
        raise CommandError(str(error)) from None


def inbox(of: Configuration) -> Any:
    """The inbox of the site.

    Raises:
        CommandError: there is none, or it is async.
    """
    made: Any = of.endpoint.inbox(of.client.callbacks)
    if made is None:
        raise CommandError("there is no inbox: set ON_SETTLED or INBOX in settings.COMMERCEPAY")
    if is_async(made.receive):
        raise CommandError("the inbox is async: call its methods in a program of your own")
    return made
