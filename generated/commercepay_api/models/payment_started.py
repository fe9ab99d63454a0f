# Generated from openapi/commercepay.yaml by openapi/build.py; do not edit, run: nox -s generate
from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import wire as _wire
from ..types import UNSET, Unset

T = TypeVar("T", bound="PaymentStarted")


@_attrs_define
class PaymentStarted:
    """A started payment. That it always has a redirect URL and a transaction number is an assumption: without them the
    payment could be neither paid nor queried.

        Attributes:
            redirect_url (str): Where to send the customer's browser. Example: https://staging-
                payments.commerce.asia/pay/2005.
            transaction_number (str): The gateway's number for the payment. Example: 2005.
            redirection_type (int | None | Unset): How to send the customer to the URL. The meaning of the numbers is not
                published. Example: 1.
    """

    redirect_url: str
    transaction_number: str
    redirection_type: int | None | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=_wire.no_members, repr=False)

    def to_dict(self) -> dict[str, Any]:
        redirect_url = self.redirect_url

        transaction_number = self.transaction_number

        redirection_type: int | None | Unset
        if isinstance(self.redirection_type, Unset):
            redirection_type = UNSET
        else:
            redirection_type = self.redirection_type

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "redirectUrl": redirect_url,
                "transactionNumber": transaction_number,
            }
        )
        if redirection_type is not UNSET:
            field_dict["redirectionType"] = redirection_type

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = _wire.members(src_dict)
        redirect_url = d.pop("redirectUrl")

        transaction_number = d.pop("transactionNumber")

        def _parse_redirection_type(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast("int | None | Unset", data)

        redirection_type = _parse_redirection_type(d.pop("redirectionType", UNSET))

        payment_started = cls(
            redirect_url=redirect_url,
            transaction_number=transaction_number,
            redirection_type=redirection_type,
        )

        payment_started.additional_properties = d
        return payment_started

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
