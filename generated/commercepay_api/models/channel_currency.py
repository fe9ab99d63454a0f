# Generated from openapi/commercepay.yaml by openapi/build.py; do not edit, run: nox -s generate
from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import wire as _wire
from ..types import UNSET, Unset

T = TypeVar("T", bound="ChannelCurrency")


@_attrs_define
class ChannelCurrency:
    """A currency that a channel accepts, with limits and surcharge. The units of the amounts are not known.

    Attributes:
        accepted_currency_code (None | str | Unset): The ISO 4217 code of the currency. Example: MYR.
        min_request_amount (float | None | Unset): The smallest amount of a payment, in an unknown unit. Example: 100.
        max_request_amount (float | None | Unset): The largest amount of a payment, in an unknown unit. Example:
            3000000.
        daily_transaction_count (int | None | Unset): The maximum number of payments per day; that it is the maximum is
            an assumption.
        daily_transaction_amount (float | None | Unset): The maximum amount of payments per day, in an unknown unit;
            that it is the maximum is an assumption.
        min_surcharge_amount (float | None | Unset): The smallest surcharge, in an unknown unit.
        max_surcharge_amount (float | None | Unset): The largest surcharge, in an unknown unit.
        is_surcharge_percentage (bool | None | Unset): Whether `surcharge` is a percentage rather than an amount.
            Example: True.
        surcharge (float | None | Unset): The surcharge; an amount is in an unknown unit. Example: 1.5.
    """

    accepted_currency_code: None | str | Unset = UNSET
    min_request_amount: float | None | Unset = UNSET
    max_request_amount: float | None | Unset = UNSET
    daily_transaction_count: int | None | Unset = UNSET
    daily_transaction_amount: float | None | Unset = UNSET
    min_surcharge_amount: float | None | Unset = UNSET
    max_surcharge_amount: float | None | Unset = UNSET
    is_surcharge_percentage: bool | None | Unset = UNSET
    surcharge: float | None | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=_wire.no_members, repr=False)

    def to_dict(self) -> dict[str, Any]:
        accepted_currency_code: None | str | Unset
        if isinstance(self.accepted_currency_code, Unset):
            accepted_currency_code = UNSET
        else:
            accepted_currency_code = self.accepted_currency_code

        min_request_amount: float | None | Unset
        if isinstance(self.min_request_amount, Unset):
            min_request_amount = UNSET
        else:
            min_request_amount = self.min_request_amount

        max_request_amount: float | None | Unset
        if isinstance(self.max_request_amount, Unset):
            max_request_amount = UNSET
        else:
            max_request_amount = self.max_request_amount

        daily_transaction_count: int | None | Unset
        if isinstance(self.daily_transaction_count, Unset):
            daily_transaction_count = UNSET
        else:
            daily_transaction_count = self.daily_transaction_count

        daily_transaction_amount: float | None | Unset
        if isinstance(self.daily_transaction_amount, Unset):
            daily_transaction_amount = UNSET
        else:
            daily_transaction_amount = self.daily_transaction_amount

        min_surcharge_amount: float | None | Unset
        if isinstance(self.min_surcharge_amount, Unset):
            min_surcharge_amount = UNSET
        else:
            min_surcharge_amount = self.min_surcharge_amount

        max_surcharge_amount: float | None | Unset
        if isinstance(self.max_surcharge_amount, Unset):
            max_surcharge_amount = UNSET
        else:
            max_surcharge_amount = self.max_surcharge_amount

        is_surcharge_percentage: bool | None | Unset
        if isinstance(self.is_surcharge_percentage, Unset):
            is_surcharge_percentage = UNSET
        else:
            is_surcharge_percentage = self.is_surcharge_percentage

        surcharge: float | None | Unset
        if isinstance(self.surcharge, Unset):
            surcharge = UNSET
        else:
            surcharge = self.surcharge

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if accepted_currency_code is not UNSET:
            field_dict["acceptedCurrencyCode"] = accepted_currency_code
        if min_request_amount is not UNSET:
            field_dict["minRequestAmount"] = min_request_amount
        if max_request_amount is not UNSET:
            field_dict["maxRequestAmount"] = max_request_amount
        if daily_transaction_count is not UNSET:
            field_dict["dailyTransactionCount"] = daily_transaction_count
        if daily_transaction_amount is not UNSET:
            field_dict["dailyTransactionAmount"] = daily_transaction_amount
        if min_surcharge_amount is not UNSET:
            field_dict["minSurchargeAmount"] = min_surcharge_amount
        if max_surcharge_amount is not UNSET:
            field_dict["maxSurchargeAmount"] = max_surcharge_amount
        if is_surcharge_percentage is not UNSET:
            field_dict["isSurchargePercentage"] = is_surcharge_percentage
        if surcharge is not UNSET:
            field_dict["surcharge"] = surcharge

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = _wire.members(src_dict)

        def _parse_accepted_currency_code(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast("None | str | Unset", data)

        accepted_currency_code = _parse_accepted_currency_code(d.pop("acceptedCurrencyCode", UNSET))

        def _parse_min_request_amount(data: object) -> float | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast("float | None | Unset", data)

        min_request_amount = _parse_min_request_amount(d.pop("minRequestAmount", UNSET))

        def _parse_max_request_amount(data: object) -> float | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast("float | None | Unset", data)

        max_request_amount = _parse_max_request_amount(d.pop("maxRequestAmount", UNSET))

        def _parse_daily_transaction_count(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast("int | None | Unset", data)

        daily_transaction_count = _parse_daily_transaction_count(d.pop("dailyTransactionCount", UNSET))

        def _parse_daily_transaction_amount(data: object) -> float | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast("float | None | Unset", data)

        daily_transaction_amount = _parse_daily_transaction_amount(d.pop("dailyTransactionAmount", UNSET))

        def _parse_min_surcharge_amount(data: object) -> float | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast("float | None | Unset", data)

        min_surcharge_amount = _parse_min_surcharge_amount(d.pop("minSurchargeAmount", UNSET))

        def _parse_max_surcharge_amount(data: object) -> float | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast("float | None | Unset", data)

        max_surcharge_amount = _parse_max_surcharge_amount(d.pop("maxSurchargeAmount", UNSET))

        def _parse_is_surcharge_percentage(data: object) -> bool | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast("bool | None | Unset", data)

        is_surcharge_percentage = _parse_is_surcharge_percentage(d.pop("isSurchargePercentage", UNSET))

        def _parse_surcharge(data: object) -> float | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast("float | None | Unset", data)

        surcharge = _parse_surcharge(d.pop("surcharge", UNSET))

        channel_currency = cls(
            accepted_currency_code=accepted_currency_code,
            min_request_amount=min_request_amount,
            max_request_amount=max_request_amount,
            daily_transaction_count=daily_transaction_count,
            daily_transaction_amount=daily_transaction_amount,
            min_surcharge_amount=min_surcharge_amount,
            max_surcharge_amount=max_surcharge_amount,
            is_surcharge_percentage=is_surcharge_percentage,
            surcharge=surcharge,
        )

        channel_currency.additional_properties = d
        return channel_currency

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
