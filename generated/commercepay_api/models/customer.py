# Generated from openapi/commercepay.yaml by openapi/build.py; do not edit, run: nox -s generate
from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import wire as _wire
from ..models.identification_type import IdentificationType
from ..types import UNSET, Unset

T = TypeVar("T", bound="Customer")


@_attrs_define
class Customer:
    """The customer who pays.

    Attributes:
        email (str | Unset): The customer's e-mail address. Example: aisyah@example.my.
        mobile_no (str | Unset): The customer's mobile number. Example: 60123456789.
        name (str | Unset): The customer's name. Example: Aisyah.
        username (str | Unset): The customer's user name at the merchant. Example: aisyah.
        identification_number (str | Unset): The number of the customer's identity document. Recurring payments over FPX
            need it. Example: 900101015555.
        identification_type (IdentificationType | Unset): The kind of an identity document. Example: 1.
    """

    email: str | Unset = UNSET
    mobile_no: str | Unset = UNSET
    name: str | Unset = UNSET
    username: str | Unset = UNSET
    identification_number: str | Unset = UNSET
    identification_type: IdentificationType | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=_wire.no_members, repr=False)

    def to_dict(self) -> dict[str, Any]:
        email = self.email

        mobile_no = self.mobile_no

        name = self.name

        username = self.username

        identification_number = self.identification_number

        identification_type: int | Unset = UNSET
        if not isinstance(self.identification_type, Unset):
            identification_type = self.identification_type.value

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if email is not UNSET:
            field_dict["email"] = email
        if mobile_no is not UNSET:
            field_dict["mobileNo"] = mobile_no
        if name is not UNSET:
            field_dict["name"] = name
        if username is not UNSET:
            field_dict["username"] = username
        if identification_number is not UNSET:
            field_dict["identificationNumber"] = identification_number
        if identification_type is not UNSET:
            field_dict["identificationType"] = identification_type

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = _wire.members(src_dict)
        email = d.pop("email", UNSET)

        mobile_no = d.pop("mobileNo", UNSET)

        name = d.pop("name", UNSET)

        username = d.pop("username", UNSET)

        identification_number = d.pop("identificationNumber", UNSET)

        _identification_type = d.pop("identificationType", UNSET)
        identification_type: IdentificationType | Unset
        if isinstance(_identification_type, Unset):
            identification_type = UNSET
        else:
            identification_type = IdentificationType.read(_identification_type)

        customer = cls(
            email=email,
            mobile_no=mobile_no,
            name=name,
            username=username,
            identification_number=identification_number,
            identification_type=identification_type,
        )

        customer.additional_properties = d
        return customer

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
