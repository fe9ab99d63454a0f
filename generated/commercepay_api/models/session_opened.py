# Generated from openapi/commercepay.yaml by openapi/build.py; do not edit, run: nox -s generate
from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import wire as _wire
from ..types import UNSET, Unset

T = TypeVar("T", bound="SessionOpened")


@_attrs_define
class SessionOpened:
    """An opened hosted session, with either a redirect URL or a client script. That it always has a session number is an
    assumption: without it the session could not be queried.

        Attributes:
            session_number (str): The gateway's number for the session. Example: S-1001.
            redirection_type (int | None | Unset): 1: send the browser to `redirectUrl`; 2: put `clientScript` into the
                browser. Example: 1.
            redirect_url (None | str | Unset): Where to send the customer's browser; null if there is a client script
                instead. Example: https://staging-payments.commerce.asia/session/S-1001.
            client_script (None | str | Unset): HTML with a form that submits itself, for the customer's browser, if there
                is no redirect URL. It comes with some channels that are chosen beforehand.
    """

    session_number: str
    redirection_type: int | None | Unset = UNSET
    redirect_url: None | str | Unset = UNSET
    client_script: None | str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=_wire.no_members, repr=False)

    def to_dict(self) -> dict[str, Any]:
        session_number = self.session_number

        redirection_type: int | None | Unset
        if isinstance(self.redirection_type, Unset):
            redirection_type = UNSET
        else:
            redirection_type = self.redirection_type

        redirect_url: None | str | Unset
        if isinstance(self.redirect_url, Unset):
            redirect_url = UNSET
        else:
            redirect_url = self.redirect_url

        client_script: None | str | Unset
        if isinstance(self.client_script, Unset):
            client_script = UNSET
        else:
            client_script = self.client_script

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "sessionNumber": session_number,
            }
        )
        if redirection_type is not UNSET:
            field_dict["redirectionType"] = redirection_type
        if redirect_url is not UNSET:
            field_dict["redirectUrl"] = redirect_url
        if client_script is not UNSET:
            field_dict["clientScript"] = client_script

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = _wire.members(src_dict)
        session_number = d.pop("sessionNumber")

        def _parse_redirection_type(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast("int | None | Unset", data)

        redirection_type = _parse_redirection_type(d.pop("redirectionType", UNSET))

        def _parse_redirect_url(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast("None | str | Unset", data)

        redirect_url = _parse_redirect_url(d.pop("redirectUrl", UNSET))

        def _parse_client_script(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast("None | str | Unset", data)

        client_script = _parse_client_script(d.pop("clientScript", UNSET))

        session_opened = cls(
            session_number=session_number,
            redirection_type=redirection_type,
            redirect_url=redirect_url,
            client_script=client_script,
        )

        session_opened.additional_properties = d
        return session_opened

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
