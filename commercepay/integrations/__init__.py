"""Adapters for web frameworks: `starlette`, `fastapi`, `django`, `flask`. Each is an extra of that name."""
