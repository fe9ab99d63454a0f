# Generated from openapi/commercepay.yaml by openapi/build.py; do not edit, run: nox -s generate
from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import wire as _wire
from ..models.error_code import ErrorCode
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.validation_error import ValidationError


T = TypeVar("T", bound="ErrorInfo")


@_attrs_define
class ErrorInfo:
    """A failure in the form of the framework. Any member may be absent (assumption).

    Attributes:
        code (ErrorCode | None | Unset): The reason of the refusal. Example: 2010.
        message (None | str | Unset): The reason as text. Example: Transaction Not Found.
        details (None | str | Unset): A longer text.
        validation_errors (list[ValidationError] | None | Unset): The wrong members of the request, and what is wrong
            with them. Example: [{'message': 'The ReferenceCode field is required.', 'members': ['referenceCode']}].
    """

    code: ErrorCode | None | Unset = UNSET
    message: None | str | Unset = UNSET
    details: None | str | Unset = UNSET
    validation_errors: list[ValidationError] | None | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=_wire.no_members, repr=False)

    def to_dict(self) -> dict[str, Any]:
        code: int | None | Unset
        if isinstance(self.code, Unset):
            code = UNSET
        elif isinstance(self.code, ErrorCode):
            code = self.code.value
        else:
            code = self.code

        message: None | str | Unset
        if isinstance(self.message, Unset):
            message = UNSET
        else:
            message = self.message

        details: None | str | Unset
        if isinstance(self.details, Unset):
            details = UNSET
        else:
            details = self.details

        validation_errors: list[dict[str, Any]] | None | Unset
        if isinstance(self.validation_errors, Unset):
            validation_errors = UNSET
        elif isinstance(self.validation_errors, list):
            validation_errors = []
            for validation_errors_type_0_item_data in self.validation_errors:
                validation_errors_type_0_item = validation_errors_type_0_item_data.to_dict()
                validation_errors.append(validation_errors_type_0_item)

        else:
            validation_errors = self.validation_errors

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if code is not UNSET:
            field_dict["code"] = code
        if message is not UNSET:
            field_dict["message"] = message
        if details is not UNSET:
            field_dict["details"] = details
        if validation_errors is not UNSET:
            field_dict["validationErrors"] = validation_errors

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = _wire.members(src_dict)

        def _parse_code(data: object) -> ErrorCode | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            if not isinstance(data, int):
                raise TypeError()
            code_type_0 = ErrorCode.read(data)

            return code_type_0

        code = _parse_code(d.pop("code", UNSET))

        def _parse_message(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast("None | str | Unset", data)

        message = _parse_message(d.pop("message", UNSET))

        def _parse_details(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast("None | str | Unset", data)

        details = _parse_details(d.pop("details", UNSET))

        def _parse_validation_errors(data: object) -> list[ValidationError] | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            if not _wire.is_array(data):
                raise TypeError()
            validation_errors_type_0: list[ValidationError] = []
            _validation_errors_type_0 = data
            for validation_errors_type_0_item_data in _validation_errors_type_0:
                validation_errors_type_0_item = ValidationError.from_dict(validation_errors_type_0_item_data)

                validation_errors_type_0.append(validation_errors_type_0_item)

            return validation_errors_type_0

        validation_errors = _parse_validation_errors(d.pop("validationErrors", UNSET))

        error_info = cls(
            code=code,
            message=message,
            details=details,
            validation_errors=validation_errors,
        )

        error_info.additional_properties = d
        return error_info

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


from ..models.validation_error import ValidationError
