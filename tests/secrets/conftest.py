"""The fixtures of the facade's tests: a gateway on loopback, and a driver for sync and async clients."""

from facade.conftest import cp, driver, gateway

__all__ = ["cp", "driver", "gateway"]
