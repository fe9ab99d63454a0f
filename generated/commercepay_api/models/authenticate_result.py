# Generated from openapi/commercepay.yaml by openapi/build.py; do not edit, run: nox -s generate
from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import wire as _wire
from ..types import UNSET, Unset

T = TypeVar("T", bound="AuthenticateResult")


@_attrs_define
class AuthenticateResult:
    """The access token. Only `accessToken` is expected in every response (assumption).

    Attributes:
        access_token (str): The access token. It is secret. Example: not-a-real-token.
        expire_in_seconds (int | None | Unset): How many seconds the token is valid from now. 86400 was observed.
            Example: 86400.
        encrypted_access_token (None | str | Unset): The token in another form. No call needs it. It is secret. Example:
            not-a-real-encrypted-token.
        user_id (int | None | Unset): The id of the user. Example: 7.
    """

    access_token: str = _attrs_field(repr=False)
    expire_in_seconds: int | None | Unset = UNSET
    encrypted_access_token: None | str | Unset = _attrs_field(default=UNSET, repr=False)
    user_id: int | None | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=_wire.no_members, repr=False)

    def to_dict(self) -> dict[str, Any]:
        access_token = self.access_token

        expire_in_seconds: int | None | Unset
        if isinstance(self.expire_in_seconds, Unset):
            expire_in_seconds = UNSET
        else:
            expire_in_seconds = self.expire_in_seconds

        encrypted_access_token: None | str | Unset
        if isinstance(self.encrypted_access_token, Unset):
            encrypted_access_token = UNSET
        else:
            encrypted_access_token = self.encrypted_access_token

        user_id: int | None | Unset
        if isinstance(self.user_id, Unset):
            user_id = UNSET
        else:
            user_id = self.user_id

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "accessToken": access_token,
            }
        )
        if expire_in_seconds is not UNSET:
            field_dict["expireInSeconds"] = expire_in_seconds
        if encrypted_access_token is not UNSET:
            field_dict["encryptedAccessToken"] = encrypted_access_token
        if user_id is not UNSET:
            field_dict["userId"] = user_id

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = _wire.members(src_dict)
        access_token = d.pop("accessToken")

        def _parse_expire_in_seconds(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast("int | None | Unset", data)

        expire_in_seconds = _parse_expire_in_seconds(d.pop("expireInSeconds", UNSET))

        def _parse_encrypted_access_token(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast("None | str | Unset", data)

        encrypted_access_token = _parse_encrypted_access_token(d.pop("encryptedAccessToken", UNSET))

        def _parse_user_id(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast("int | None | Unset", data)

        user_id = _parse_user_id(d.pop("userId", UNSET))

        authenticate_result = cls(
            access_token=access_token,
            expire_in_seconds=expire_in_seconds,
            encrypted_access_token=encrypted_access_token,
            user_id=user_id,
        )

        authenticate_result.additional_properties = d
        return authenticate_result

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
