"""Level 1: what the other modules use. No I/O, and only the standard library."""
