"""The channels of the sandbox.

Of the gateway's channels only the numbers 2, 4, 18 and 22 and the name of 18 are known. The other names, the groups, banks,
limits and surcharges here are made up, and so is that channel 18 responds with a script.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Bank:
    """A bank or wallet inside a channel; `id` goes into `providerChannelId`."""

    id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A payment channel.

    Attributes:
        surcharge: what the customer pays on top: minor units, or hundredths of a percent.
        is_percentage: whether `surcharge` is in hundredths of a percent.
        has_script: whether a payment that names this channel gets a client script instead of a URL.
    """

    id: int
    name: str
    group: tuple[int, str]
    banks: tuple[Bank, ...] = ()
    surcharge: int = 0
    is_percentage: bool = False
    has_script: bool = False

    def surcharge_on(self, amount: int) -> int:
        """The surcharge in minor units; half a unit is rounded up."""
        return (amount * self.surcharge + 5_000) // 10_000 if self.is_percentage else self.surcharge

    @property
    def surcharge_text(self) -> str:
        """For a person, in the sandbox's one currency."""
        if not self.surcharge:
            return ""
        return f"+ {self.surcharge / 100:g} %" if self.is_percentage else f"+ MYR {self.surcharge / 100:.2f}"

    def to_result(self) -> dict[str, Any]:
        """As GetTenantChannelsByCountry lists it. Amounts are in minor units, a percentage in percent (assumption)."""
        return {
            "id": self.id,
            "name": self.name,
            "type": self.group[0],
            "isProviderHostChannel": False,
            "imageUrl": None,
            "groupId": self.group[0],
            "groupName": self.group[1],
            "groupImageUrl": None,
            "savePayment": False,
            "currencyList": [
                {
                    "acceptedCurrencyCode": "MYR",
                    "minRequestAmount": 100,
                    "maxRequestAmount": 3_000_000,
                    "dailyTransactionCount": None,
                    "dailyTransactionAmount": None,
                    "minSurchargeAmount": None,
                    "maxSurchargeAmount": None,
                    "isSurchargePercentage": self.is_percentage,
                    "surcharge": self.surcharge / 100 if self.is_percentage else self.surcharge,
                }
            ],
        }


_BANKS: Final = (Bank("TEST0021", "Test Bank A"), Bank("TEST0022", "Test Bank B"), Bank("TEST0023", "Test Bank C"))

CHANNELS: Final = {
    one.id: one
    for one in (
        Channel(id=2, name="FPX", group=(1, "Online banking"), banks=_BANKS),
        Channel(id=4, name="Card", group=(2, "Cards"), surcharge=150, is_percentage=True),
        Channel(id=18, name="Online Banking", group=(1, "Online banking"), banks=_BANKS, has_script=True),
        Channel(id=22, name="E-wallet", group=(3, "E-wallets"), surcharge=50),
    )
}
