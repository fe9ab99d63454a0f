"""Level 3: what each call does."""
