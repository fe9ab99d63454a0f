# Generated from openapi/commercepay.yaml by openapi/build.py; do not edit, run: nox -s generate
from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import wire as _wire
from ..models.payment_status import PaymentStatus
from ..types import UNSET, Unset

T = TypeVar("T", bound="QueryResult")


@_attrs_define
class QueryResult:
    """A payment as the gateway reports it. Only status, amount, currency and reference are required, because they decide
    whether an order is paid. That these are always present, and that any other member may be absent or null, are
    assumptions.

        Attributes:
            reference_code (str): The merchant's reference. Example: INV-1.
            status (PaymentStatus): The status of a payment. The vendor has more codes than these. Keep an unknown code, and
                read it neither as paid nor as failed. Example: 1.
            currency_code (str): The ISO 4217 code of the currency. Example: MYR.
            amount (int): The amount in minor units: 1000 means 10.00. Example: 1234.
            transaction_number (None | str | Unset): The gateway's number for the payment. Example: 2005.
            payment_session_number (None | str | Unset): The gateway's number for the session. Example: S-1001.
            channel_id (int | None | Unset): The channel that the customer paid through. Example: 2.
            provider_channel_id (None | str | Unset): The bank or wallet of the channel. Example: TEST0021.
            provider_transaction_number (None | str | Unset): The bank's or wallet's number for the payment. Example:
                FPX-778.
            creation_time (None | str | Unset): When the payment was created. Its format and time zone are not published.
                Example: 2026-09-01T12:00:00.
            remark (None | str | Unset): A remark on the payment.
            provider_payment_method (None | str | Unset): The provider's name for the payment method. That it is a string is
                an assumption.
            provider_error_message (None | str | Unset): The provider's reason for refusing the payment. Example:
                Insufficient funds.
    """

    reference_code: str
    status: PaymentStatus
    currency_code: str
    amount: int
    transaction_number: None | str | Unset = UNSET
    payment_session_number: None | str | Unset = UNSET
    channel_id: int | None | Unset = UNSET
    provider_channel_id: None | str | Unset = UNSET
    provider_transaction_number: None | str | Unset = UNSET
    creation_time: None | str | Unset = UNSET
    remark: None | str | Unset = UNSET
    provider_payment_method: None | str | Unset = UNSET
    provider_error_message: None | str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=_wire.no_members, repr=False)

    def to_dict(self) -> dict[str, Any]:
        reference_code = self.reference_code

        status = self.status.value

        currency_code = self.currency_code

        amount = self.amount

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

        channel_id: int | None | Unset
        if isinstance(self.channel_id, Unset):
            channel_id = UNSET
        else:
            channel_id = self.channel_id

        provider_channel_id: None | str | Unset
        if isinstance(self.provider_channel_id, Unset):
            provider_channel_id = UNSET
        else:
            provider_channel_id = self.provider_channel_id

        provider_transaction_number: None | str | Unset
        if isinstance(self.provider_transaction_number, Unset):
            provider_transaction_number = UNSET
        else:
            provider_transaction_number = self.provider_transaction_number

        creation_time: None | str | Unset
        if isinstance(self.creation_time, Unset):
            creation_time = UNSET
        else:
            creation_time = self.creation_time

        remark: None | str | Unset
        if isinstance(self.remark, Unset):
            remark = UNSET
        else:
            remark = self.remark

        provider_payment_method: None | str | Unset
        if isinstance(self.provider_payment_method, Unset):
            provider_payment_method = UNSET
        else:
            provider_payment_method = self.provider_payment_method

        provider_error_message: None | str | Unset
        if isinstance(self.provider_error_message, Unset):
            provider_error_message = UNSET
        else:
            provider_error_message = self.provider_error_message

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "referenceCode": reference_code,
                "status": status,
                "currencyCode": currency_code,
                "amount": amount,
            }
        )
        if transaction_number is not UNSET:
            field_dict["transactionNumber"] = transaction_number
        if payment_session_number is not UNSET:
            field_dict["paymentSessionNumber"] = payment_session_number
        if channel_id is not UNSET:
            field_dict["channelId"] = channel_id
        if provider_channel_id is not UNSET:
            field_dict["providerChannelId"] = provider_channel_id
        if provider_transaction_number is not UNSET:
            field_dict["providerTransactionNumber"] = provider_transaction_number
        if creation_time is not UNSET:
            field_dict["creationTime"] = creation_time
        if remark is not UNSET:
            field_dict["remark"] = remark
        if provider_payment_method is not UNSET:
            field_dict["providerPaymentMethod"] = provider_payment_method
        if provider_error_message is not UNSET:
            field_dict["providerErrorMessage"] = provider_error_message

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = _wire.members(src_dict)
        reference_code = d.pop("referenceCode")

        status = PaymentStatus.read(d.pop("status"))

        currency_code = d.pop("currencyCode")

        amount = d.pop("amount")

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

        def _parse_channel_id(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast("int | None | Unset", data)

        channel_id = _parse_channel_id(d.pop("channelId", UNSET))

        def _parse_provider_channel_id(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast("None | str | Unset", data)

        provider_channel_id = _parse_provider_channel_id(d.pop("providerChannelId", UNSET))

        def _parse_provider_transaction_number(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast("None | str | Unset", data)

        provider_transaction_number = _parse_provider_transaction_number(d.pop("providerTransactionNumber", UNSET))

        def _parse_creation_time(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast("None | str | Unset", data)

        creation_time = _parse_creation_time(d.pop("creationTime", UNSET))

        def _parse_remark(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast("None | str | Unset", data)

        remark = _parse_remark(d.pop("remark", UNSET))

        def _parse_provider_payment_method(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast("None | str | Unset", data)

        provider_payment_method = _parse_provider_payment_method(d.pop("providerPaymentMethod", UNSET))

        def _parse_provider_error_message(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast("None | str | Unset", data)

        provider_error_message = _parse_provider_error_message(d.pop("providerErrorMessage", UNSET))

        query_result = cls(
            reference_code=reference_code,
            status=status,
            currency_code=currency_code,
            amount=amount,
            transaction_number=transaction_number,
            payment_session_number=payment_session_number,
            channel_id=channel_id,
            provider_channel_id=provider_channel_id,
            provider_transaction_number=provider_transaction_number,
            creation_time=creation_time,
            remark=remark,
            provider_payment_method=provider_payment_method,
            provider_error_message=provider_error_message,
        )

        query_result.additional_properties = d
        return query_result

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
