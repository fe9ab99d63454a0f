"""Level 2: how one call goes over the wire."""
