# Generated from openapi/commercepay.yaml by openapi/build.py; do not edit, run: nox -s generate
from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import wire as _wire
from ..models.recurring_mode import RecurringMode
from ..types import UNSET, Unset

T = TypeVar("T", bound="RecurringPaymentInfo")


@_attrs_define
class RecurringPaymentInfo:
    """The mandate of a recurring payment. Which members are required is not published; here none is (assumption).

    Attributes:
        id (str | Unset): The id of the mandate. That it is a string is an assumption. Example: sub-77.
        mode (RecurringMode | Unset): How often a customer is charged. Example: 3.
        number_of_payments (int | Unset): The number of payments. Example: 12.
        effective_date (str | Unset): The date from which the mandate is valid, as ddMMyyyy. Example: 01012027.
        expiry_date (str | Unset): The date until which the mandate is valid, as ddMMyyyy. Example: 31122027.
        maximum_payment_amount (int | Unset): The maximum amount of one payment, in minor units. Example: 1000.
        is_fixed_amount (bool | Unset): Whether every payment has the same amount. Example: True.
    """

    id: str | Unset = UNSET
    mode: RecurringMode | Unset = UNSET
    number_of_payments: int | Unset = UNSET
    effective_date: str | Unset = UNSET
    expiry_date: str | Unset = UNSET
    maximum_payment_amount: int | Unset = UNSET
    is_fixed_amount: bool | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=_wire.no_members, repr=False)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        mode: int | Unset = UNSET
        if not isinstance(self.mode, Unset):
            mode = self.mode.value

        number_of_payments = self.number_of_payments

        effective_date = self.effective_date

        expiry_date = self.expiry_date

        maximum_payment_amount = self.maximum_payment_amount

        is_fixed_amount = self.is_fixed_amount

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if id is not UNSET:
            field_dict["id"] = id
        if mode is not UNSET:
            field_dict["mode"] = mode
        if number_of_payments is not UNSET:
            field_dict["numberOfPayments"] = number_of_payments
        if effective_date is not UNSET:
            field_dict["effectiveDate"] = effective_date
        if expiry_date is not UNSET:
            field_dict["expiryDate"] = expiry_date
        if maximum_payment_amount is not UNSET:
            field_dict["maximumPaymentAmount"] = maximum_payment_amount
        if is_fixed_amount is not UNSET:
            field_dict["isFixedAmount"] = is_fixed_amount

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = _wire.members(src_dict)
        id = d.pop("id", UNSET)

        _mode = d.pop("mode", UNSET)
        mode: RecurringMode | Unset
        if isinstance(_mode, Unset):
            mode = UNSET
        else:
            mode = RecurringMode.read(_mode)

        number_of_payments = d.pop("numberOfPayments", UNSET)

        effective_date = d.pop("effectiveDate", UNSET)

        expiry_date = d.pop("expiryDate", UNSET)

        maximum_payment_amount = d.pop("maximumPaymentAmount", UNSET)

        is_fixed_amount = d.pop("isFixedAmount", UNSET)

        recurring_payment_info = cls(
            id=id,
            mode=mode,
            number_of_payments=number_of_payments,
            effective_date=effective_date,
            expiry_date=expiry_date,
            maximum_payment_amount=maximum_payment_amount,
            is_fixed_amount=is_fixed_amount,
        )

        recurring_payment_info.additional_properties = d
        return recurring_payment_info

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
