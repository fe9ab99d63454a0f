# Generated from openapi/commercepay.yaml by openapi/build.py; do not edit, run: nox -s generate
from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import wire as _wire
from ..models.payment_status import PaymentStatus
from ..types import UNSET, Unset

T = TypeVar("T", bound="Callback")


@_attrs_define
class Callback:
    """The outcome of a payment, as the gateway posts it. Only status, amount, currency and reference are required; that
    they are always present is an assumption. A payment counts as paid only when all four agree with the merchant's
    record.

        Attributes:
            amount (int): The amount in minor units: 1000 means 10.00. Example: 1234.
            currency_code (str): The ISO 4217 code of the currency. Example: MYR.
            reference_code (str): The merchant's reference. Example: INV-1.
            status (PaymentStatus): The status of a payment. The vendor has more codes than these. Keep an unknown code, and
                read it neither as paid nor as failed. Example: 1.
            channel_id (int | None | Unset): The channel that the customer paid through. Example: 2.
            transaction_number (None | str | Unset): The gateway's number for the payment. Example: 2005.
            payment_session_number (None | str | Unset): The gateway's number for the session. Example: S-1001.
            provider_transaction_number (None | str | Unset): The bank's or wallet's number for the payment. Example:
                FPX-778.
    """

    amount: int
    currency_code: str
    reference_code: str
    status: PaymentStatus
    channel_id: int | None | Unset = UNSET
    transaction_number: None | str | Unset = UNSET
    payment_session_number: None | str | Unset = UNSET
    provider_transaction_number: None | str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=_wire.no_members, repr=False)

    def to_dict(self) -> dict[str, Any]:
        amount = self.amount

        currency_code = self.currency_code

        reference_code = self.reference_code

        status = self.status.value

        channel_id: int | None | Unset
        if isinstance(self.channel_id, Unset):
            channel_id = UNSET
        else:
            channel_id = self.channel_id

        transaction_number: None | str | Unset
        if isinstance(self.transaction_number, Unset):
            transaction_number = UNSET
        else:
            transaction_number = self.transaction_number

        payment_session_number: None | str | Unset
        if isinstance(self.payment_session_number, Unset):
            payment_session_number = UNSET
        else:
            payment_session_number = self.payment_session_number

        provider_transaction_number: None | str | Unset
        if isinstance(self.provider_transaction_number, Unset):
            provider_transaction_number = UNSET
        else:
            provider_transaction_number = self.provider_transaction_number

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "amount": amount,
                "currencyCode": currency_code,
                "referenceCode": reference_code,
                "status": status,
            }
        )
        if channel_id is not UNSET:
            field_dict["channelId"] = channel_id
        if transaction_number is not UNSET:
            field_dict["transactionNumber"] = transaction_number
        if payment_session_number is not UNSET:
            field_dict["paymentSessionNumber"] = payment_session_number
        if provider_transaction_number is not UNSET:
            field_dict["providerTransactionNumber"] = provider_transaction_number

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = _wire.members(src_dict)
        amount = d.pop("amount")

        currency_code = d.pop("currencyCode")

        reference_code = d.pop("referenceCode")

        status = PaymentStatus.read(d.pop("status"))

        def _parse_channel_id(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast("int | None | Unset", data)

        channel_id = _parse_channel_id(d.pop("channelId", UNSET))

        def _parse_transaction_number(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast("None | str | Unset", data)

        transaction_number = _parse_transaction_number(d.pop("transactionNumber", UNSET))

        def _parse_payment_session_number(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast("None | str | Unset", data)

        payment_session_number = _parse_payment_session_number(d.pop("paymentSessionNumber", UNSET))

        def _parse_provider_transaction_number(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast("None | str | Unset", data)

        provider_transaction_number = _parse_provider_transaction_number(d.pop("providerTransactionNumber", UNSET))

        callback = cls(
            amount=amount,
            currency_code=currency_code,
            reference_code=reference_code,
            status=status,
            channel_id=channel_id,
            transaction_number=transaction_number,
            payment_session_number=payment_session_number,
            provider_transaction_number=provider_transaction_number,
        )

        callback.additional_properties = d
        return callback

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
