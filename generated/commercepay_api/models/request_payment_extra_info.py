# Generated from openapi/commercepay.yaml by openapi/build.py; do not edit, run: nox -s generate
from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import wire as _wire
from ..types import UNSET, Unset

T = TypeVar("T", bound="RequestPaymentExtraInfo")


@_attrs_define
class RequestPaymentExtraInfo:
    """Options of the hosted page.

    Attributes:
        channel_group_id (int | Unset): The group of channels to show. That it is an integer is an assumption. Example:
            1.
        hidden_channel (list[int] | Unset): The channels to hide. Example: [4, 22].
    """

    channel_group_id: int | Unset = UNSET
    hidden_channel: list[int] | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=_wire.no_members, repr=False)

    def to_dict(self) -> dict[str, Any]:
        channel_group_id = self.channel_group_id

        hidden_channel: list[int] | Unset = UNSET
        if not isinstance(self.hidden_channel, Unset):
            hidden_channel = self.hidden_channel

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if channel_group_id is not UNSET:
            field_dict["channelGroupId"] = channel_group_id
        if hidden_channel is not UNSET:
            field_dict["hiddenChannel"] = hidden_channel

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = _wire.members(src_dict)
        channel_group_id = d.pop("channelGroupId", UNSET)

        hidden_channel = cast(list[int], d.pop("hiddenChannel", UNSET))

        request_payment_extra_info = cls(
            channel_group_id=channel_group_id,
            hidden_channel=hidden_channel,
        )

        request_payment_extra_info.additional_properties = d
        return request_payment_extra_info

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
