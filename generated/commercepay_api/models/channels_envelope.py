# Generated from openapi/commercepay.yaml by openapi/build.py; do not edit, run: nox -s generate
from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import wire as _wire
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.channel import Channel
    from ..models.error_info import ErrorInfo
    from ..models.refusal import Refusal


T = TypeVar("T", bound="ChannelsEnvelope")


@_attrs_define
class ChannelsEnvelope:
    """The response of GetTenantChannelsByCountry.

    Attributes:
        target_url (None | str | Unset): A member of the framework. Only null was observed.
        success (bool | None | Unset): Not reliable, since it is true for a rejected signature. Example: True.
        error (ErrorInfo | None | Unset): The failure, or null.
        un_authorized_request (bool | None | Unset): Whether the token is missing or invalid. Example: False.
        field_abp (bool | None | Unset): A marker of the framework. Example: True.
        result (list[Channel] | None | Refusal | Unset): The channels; or a failure; or null, if `error` has the
            failure. Example: [{'id': 2, 'name': 'FPX'}].
    """

    target_url: None | str | Unset = UNSET
    success: bool | None | Unset = UNSET
    error: ErrorInfo | None | Unset = UNSET
    un_authorized_request: bool | None | Unset = UNSET
    field_abp: bool | None | Unset = UNSET
    result: list[Channel] | None | Refusal | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=_wire.no_members, repr=False)

    def to_dict(self) -> dict[str, Any]:
        target_url: None | str | Unset
        if isinstance(self.target_url, Unset):
            target_url = UNSET
        else:
            target_url = self.target_url

        success: bool | None | Unset
        if isinstance(self.success, Unset):
            success = UNSET
        else:
            success = self.success

        error: dict[str, Any] | None | Unset
        if isinstance(self.error, Unset):
            error = UNSET
        elif isinstance(self.error, ErrorInfo):
            error = self.error.to_dict()
        else:
            error = self.error

        un_authorized_request: bool | None | Unset
        if isinstance(self.un_authorized_request, Unset):
            un_authorized_request = UNSET
        else:
            un_authorized_request = self.un_authorized_request

        field_abp: bool | None | Unset
        if isinstance(self.field_abp, Unset):
            field_abp = UNSET
        else:
            field_abp = self.field_abp

        result: dict[str, Any] | list[dict[str, Any]] | None | Unset
        if isinstance(self.result, Unset):
            result = UNSET
        elif isinstance(self.result, Refusal):
            result = self.result.to_dict()
        elif isinstance(self.result, list):
            result = []
            for result_type_1_item_data in self.result:
                result_type_1_item = result_type_1_item_data.to_dict()
                result.append(result_type_1_item)

        else:
            result = self.result

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if target_url is not UNSET:
            field_dict["targetUrl"] = target_url
        if success is not UNSET:
            field_dict["success"] = success
        if error is not UNSET:
            field_dict["error"] = error
        if un_authorized_request is not UNSET:
            field_dict["unAuthorizedRequest"] = un_authorized_request
        if field_abp is not UNSET:
            field_dict["__abp"] = field_abp
        if result is not UNSET:
            field_dict["result"] = result

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = _wire.members(src_dict)

        def _parse_target_url(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast("None | str | Unset", data)

        target_url = _parse_target_url(d.pop("targetUrl", UNSET))

        def _parse_success(data: object) -> bool | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast("bool | None | Unset", data)

        success = _parse_success(d.pop("success", UNSET))

        def _parse_error(data: object) -> ErrorInfo | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            if not _wire.is_object(data):
                raise TypeError()
            error_type_0 = ErrorInfo.from_dict(data)

            return error_type_0

        error = _parse_error(d.pop("error", UNSET))

        def _parse_un_authorized_request(data: object) -> bool | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast("bool | None | Unset", data)

        un_authorized_request = _parse_un_authorized_request(d.pop("unAuthorizedRequest", UNSET))

        def _parse_field_abp(data: object) -> bool | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast("bool | None | Unset", data)

        field_abp = _parse_field_abp(d.pop("__abp", UNSET))

        def _parse_result(data: object) -> list[Channel] | None | Refusal | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not _wire.is_object(data):
                    raise TypeError()
                result_type_0 = Refusal.from_dict(data)

                return result_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            if not _wire.is_array(data):
                raise TypeError()
            result_type_1: list[Channel] = []
            _result_type_1 = data
            for result_type_1_item_data in _result_type_1:
                result_type_1_item = Channel.from_dict(result_type_1_item_data)

                result_type_1.append(result_type_1_item)

            return result_type_1

        result = _parse_result(d.pop("result", UNSET))

        channels_envelope = cls(
            target_url=target_url,
            success=success,
            error=error,
            un_authorized_request=un_authorized_request,
            field_abp=field_abp,
            result=result,
        )

        channels_envelope.additional_properties = d
        return channels_envelope

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


from ..models.channel import Channel
from ..models.error_info import ErrorInfo
from ..models.refusal import Refusal
