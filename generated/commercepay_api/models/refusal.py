# Generated from openapi/commercepay.yaml by openapi/build.py; do not edit, run: nox -s generate
from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import wire as _wire
from ..models.error_code import ErrorCode

T = TypeVar("T", bound="Refusal")


@_attrs_define
class Refusal:
    """A failure in place of the result. The gateway responds like this to a wrong signature, with `success` true and
    `error` null. No known successful result has both members.

        Attributes:
            code (ErrorCode): The reason of a refusal. Other codes exist, among them 0, which the framework sends for bad
                input and failed logins. Keep an unknown code with its message. Example: 2010.
            message (str): The reason as text. Example: Invalid Signature..
    """

    code: ErrorCode
    message: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=_wire.no_members, repr=False)

    def to_dict(self) -> dict[str, Any]:
        code = self.code.value

        message = self.message

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "code": code,
                "message": message,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = _wire.members(src_dict)
        code = ErrorCode.read(d.pop("code"))

        message = d.pop("message")

        refusal = cls(
            code=code,
            message=message,
        )

        refusal.additional_properties = d
        return refusal

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
