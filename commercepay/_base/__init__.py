"""Level 1: what the other modules are built on. No I/O, the standard library alone."""
