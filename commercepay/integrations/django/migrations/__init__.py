"""Migrations of the models of `DjangoInbox`."""
