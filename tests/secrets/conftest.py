"""The fixtures of the facade's tests: a gateway on loopback, and a driver for sync and async clients."""

from facade.conftest import at_once, cp, driver, gateway

__all__ = ["at_once", "cp", "driver", "gateway"]
