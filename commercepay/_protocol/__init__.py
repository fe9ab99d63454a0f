"""Level 2: how one call is sent."""
