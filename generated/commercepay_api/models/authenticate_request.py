# Generated from openapi/commercepay.yaml by openapi/build.py; do not edit, run: nox -s generate
from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import wire as _wire
from ..types import UNSET, Unset

T = TypeVar("T", bound="AuthenticateRequest")


@_attrs_define
class AuthenticateRequest:
    """The credentials of a merchant's API user.

    Attributes:
        user_name_or_email_address (str): The user name. Example: shop.
        password (str): The password. It is secret. Example: not-a-real-password.
        remember_client (bool | Unset): An option of the framework. Its effect is not known. Example: False.
    """

    user_name_or_email_address: str
    password: str = _attrs_field(repr=False)
    remember_client: bool | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=_wire.no_members, repr=False)

    def to_dict(self) -> dict[str, Any]:
        user_name_or_email_address = self.user_name_or_email_address

        password = self.password

        remember_client = self.remember_client

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "userNameOrEmailAddress": user_name_or_email_address,
                "password": password,
            }
        )
        if remember_client is not UNSET:
            field_dict["rememberClient"] = remember_client

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = _wire.members(src_dict)
        user_name_or_email_address = d.pop("userNameOrEmailAddress")

        password = d.pop("password")

        remember_client = d.pop("rememberClient", UNSET)

        authenticate_request = cls(
            user_name_or_email_address=user_name_or_email_address,
            password=password,
            remember_client=remember_client,
        )

        authenticate_request.additional_properties = d
        return authenticate_request

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
