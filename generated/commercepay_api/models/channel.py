# Generated from openapi/commercepay.yaml by openapi/build.py; do not edit, run: nox -s generate
from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import wire as _wire
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.channel_currency import ChannelCurrency


T = TypeVar("T", bound="Channel")


@_attrs_define
class Channel:
    """A payment channel. Only its number is required, because a payment refers to it; that it is always present is an
    assumption.

        Attributes:
            id (int): The number of the channel, for `channelId`. Example: 2.
            name (None | str | Unset): The channel's name. Example: FPX.
            type_ (int | None | Unset): The kind of the channel. The meaning of the numbers is not published. Example: 1.
            is_provider_host_channel (bool | None | Unset): Whether the provider hosts the channel. The effect is not
                published. Example: False.
            image_url (None | str | Unset): A picture of the channel. Example: https://cdn.example.my/fpx.png.
            group_id (int | None | Unset): The number of the channel's group. Example: 1.
            group_name (None | str | Unset): The name of the channel's group. Example: Online Banking.
            group_image_url (None | str | Unset): A picture of the channel's group.
            save_payment (bool | None | Unset): Whether the channel can save the payment method. Example: False.
            currency_list (list[ChannelCurrency] | None | Unset): The currencies of the channel, by the name that one
                integration uses. Example: [{'acceptedCurrencyCode': 'MYR', 'minRequestAmount': 100, 'maxRequestAmount':
                3000000}].
            currencies (list[ChannelCurrency] | None | Unset): The currencies of the channel, by the name that another
                integration uses.
    """

    id: int
    name: None | str | Unset = UNSET
    type_: int | None | Unset = UNSET
    is_provider_host_channel: bool | None | Unset = UNSET
    image_url: None | str | Unset = UNSET
    group_id: int | None | Unset = UNSET
    group_name: None | str | Unset = UNSET
    group_image_url: None | str | Unset = UNSET
    save_payment: bool | None | Unset = UNSET
    currency_list: list[ChannelCurrency] | None | Unset = UNSET
    currencies: list[ChannelCurrency] | None | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=_wire.no_members, repr=False)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        name: None | str | Unset
        if isinstance(self.name, Unset):
            name = UNSET
        else:
            name = self.name

        type_: int | None | Unset
        if isinstance(self.type_, Unset):
            type_ = UNSET
        else:
            type_ = self.type_

        is_provider_host_channel: bool | None | Unset
        if isinstance(self.is_provider_host_channel, Unset):
            is_provider_host_channel = UNSET
        else:
            is_provider_host_channel = self.is_provider_host_channel

        image_url: None | str | Unset
        if isinstance(self.image_url, Unset):
            image_url = UNSET
        else:
            image_url = self.image_url

        group_id: int | None | Unset
        if isinstance(self.group_id, Unset):
            group_id = UNSET
        else:
            group_id = self.group_id

        group_name: None | str | Unset
        if isinstance(self.group_name, Unset):
            group_name = UNSET
        else:
            group_name = self.group_name

        group_image_url: None | str | Unset
        if isinstance(self.group_image_url, Unset):
            group_image_url = UNSET
        else:
            group_image_url = self.group_image_url

        save_payment: bool | None | Unset
        if isinstance(self.save_payment, Unset):
            save_payment = UNSET
        else:
            save_payment = self.save_payment

        currency_list: list[dict[str, Any]] | None | Unset
        if isinstance(self.currency_list, Unset):
            currency_list = UNSET
        elif isinstance(self.currency_list, list):
            currency_list = []
            for currency_list_type_0_item_data in self.currency_list:
                currency_list_type_0_item = currency_list_type_0_item_data.to_dict()
                currency_list.append(currency_list_type_0_item)

        else:
            currency_list = self.currency_list

        currencies: list[dict[str, Any]] | None | Unset
        if isinstance(self.currencies, Unset):
            currencies = UNSET
        elif isinstance(self.currencies, list):
            currencies = []
            for currencies_type_0_item_data in self.currencies:
                currencies_type_0_item = currencies_type_0_item_data.to_dict()
                currencies.append(currencies_type_0_item)

        else:
            currencies = self.currencies

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
            }
        )
        if name is not UNSET:
            field_dict["name"] = name
        if type_ is not UNSET:
            field_dict["type"] = type_
        if is_provider_host_channel is not UNSET:
            field_dict["isProviderHostChannel"] = is_provider_host_channel
        if image_url is not UNSET:
            field_dict["imageUrl"] = image_url
        if group_id is not UNSET:
            field_dict["groupId"] = group_id
        if group_name is not UNSET:
            field_dict["groupName"] = group_name
        if group_image_url is not UNSET:
            field_dict["groupImageUrl"] = group_image_url
        if save_payment is not UNSET:
            field_dict["savePayment"] = save_payment
        if currency_list is not UNSET:
            field_dict["currencyList"] = currency_list
        if currencies is not UNSET:
            field_dict["currencies"] = currencies

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = _wire.members(src_dict)
        id = d.pop("id")

        def _parse_name(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast("None | str | Unset", data)

        name = _parse_name(d.pop("name", UNSET))

        def _parse_type_(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast("int | None | Unset", data)

        type_ = _parse_type_(d.pop("type", UNSET))

        def _parse_is_provider_host_channel(data: object) -> bool | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast("bool | None | Unset", data)

        is_provider_host_channel = _parse_is_provider_host_channel(d.pop("isProviderHostChannel", UNSET))

        def _parse_image_url(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast("None | str | Unset", data)

        image_url = _parse_image_url(d.pop("imageUrl", UNSET))

        def _parse_group_id(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast("int | None | Unset", data)

        group_id = _parse_group_id(d.pop("groupId", UNSET))

        def _parse_group_name(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast("None | str | Unset", data)

        group_name = _parse_group_name(d.pop("groupName", UNSET))

        def _parse_group_image_url(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast("None | str | Unset", data)

        group_image_url = _parse_group_image_url(d.pop("groupImageUrl", UNSET))

        def _parse_save_payment(data: object) -> bool | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast("bool | None | Unset", data)

        save_payment = _parse_save_payment(d.pop("savePayment", UNSET))

        def _parse_currency_list(data: object) -> list[ChannelCurrency] | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            if not _wire.is_array(data):
                raise TypeError()
            currency_list_type_0: list[ChannelCurrency] = []
            _currency_list_type_0 = data
            for currency_list_type_0_item_data in _currency_list_type_0:
                currency_list_type_0_item = ChannelCurrency.from_dict(currency_list_type_0_item_data)

                currency_list_type_0.append(currency_list_type_0_item)

            return currency_list_type_0

        currency_list = _parse_currency_list(d.pop("currencyList", UNSET))

        def _parse_currencies(data: object) -> list[ChannelCurrency] | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            if not _wire.is_array(data):
                raise TypeError()
            currencies_type_0: list[ChannelCurrency] = []
            _currencies_type_0 = data
            for currencies_type_0_item_data in _currencies_type_0:
                currencies_type_0_item = ChannelCurrency.from_dict(currencies_type_0_item_data)

                currencies_type_0.append(currencies_type_0_item)

            return currencies_type_0

        currencies = _parse_currencies(d.pop("currencies", UNSET))

        channel = cls(
            id=id,
            name=name,
            type_=type_,
            is_provider_host_channel=is_provider_host_channel,
            image_url=image_url,
            group_id=group_id,
            group_name=group_name,
            group_image_url=group_image_url,
            save_payment=save_payment,
            currency_list=currency_list,
            currencies=currencies,
        )

        channel.additional_properties = d
        return channel

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


from ..models.channel_currency import ChannelCurrency
