# Generated from openapi/commercepay.yaml by openapi/build.py; do not edit, run: nox -s generate
from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import wire as _wire
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.customer import Customer
    from ..models.platform_charge import PlatformCharge
    from ..models.recurring_payment_info import RecurringPaymentInfo
    from ..models.request_payment_extra_info import RequestPaymentExtraInfo
    from ..models.sub_merchant import SubMerchant


T = TypeVar("T", bound="PaymentRequest")


@_attrs_define
class PaymentRequest:
    """The payment that RequestPayment starts.

    Attributes:
        currency_code (str): The ISO 4217 code of the currency. MYR, SGD and USD are in use, CNY was observed. Example:
            MYR.
        amount (int): The amount in minor units: 1000 means 10.00. Example: 1000.
        reference_code (str): The merchant's unique reference. One that was used before is refused with code 2009.
            Example: INV-1.
        timestamp (int): The time of the call, in milliseconds since the Unix epoch. Example: 1621851652617.
        ip_address (str): The customer's IP address. Example: 203.0.113.9.
        return_url (str): The URL that the customer's browser returns to, with ReferenceCode and TransactionNumber in
            the query string. The return is not signed and proves nothing. Example: https://shop.example.my/return.
        callback_url (str | Unset): The URL that the gateway posts the outcome to. The signature of the callback covers
            it as it is written here. Nearly all integrations give it; two leave it out and query the outcome, which is weak
            evidence that it is optional. Example: https://shop.example.my/callback.
        description (str | Unset): What the payment is for. Example: Order INV-1.
        user_agent (str | Unset): The User-Agent of the customer's browser. Example: Mozilla/5.0.
        customer (Customer | Unset): The customer who pays.
        save_payment (bool | Unset): Whether to save the payment method. Example: False.
        local_citizen (bool | Unset): Whether the customer is a citizen. Only for some channels. Example: True.
        sub_merchant (SubMerchant | Unset): The sub-merchant that a payment is for.
        recurring_payment_info (RecurringPaymentInfo | Unset): The mandate of a recurring payment. Which members are
            required is not published; here none is (assumption).
        request_payment_extra_info (RequestPaymentExtraInfo | Unset): Options of the hosted page.
        platform_charge (PlatformCharge | Unset): The platform's share of a payment. Only for authorised partners.
        channel_id (int | None | Unset): The payment channel. If it is absent or null, the customer chooses on the
            hosted page. Observed are 2 (FPX, which is an assumption), 4 and 22; a list is not published. Example: 2.
        provider_channel_id (None | str | Unset): A bank or wallet of the channel. TEST0021 is the test bank of FPX.
            Example: TEST0021.
    """

    currency_code: str
    amount: int
    reference_code: str
    timestamp: int
    ip_address: str
    return_url: str
    callback_url: str | Unset = UNSET
    description: str | Unset = UNSET
    user_agent: str | Unset = UNSET
    customer: Customer | Unset = UNSET
    save_payment: bool | Unset = UNSET
    local_citizen: bool | Unset = UNSET
    sub_merchant: SubMerchant | Unset = UNSET
    recurring_payment_info: RecurringPaymentInfo | Unset = UNSET
    request_payment_extra_info: RequestPaymentExtraInfo | Unset = UNSET
    platform_charge: PlatformCharge | Unset = UNSET
    channel_id: int | None | Unset = UNSET
    provider_channel_id: None | str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=_wire.no_members, repr=False)

    def to_dict(self) -> dict[str, Any]:
        currency_code = self.currency_code

        amount = self.amount

        reference_code = self.reference_code

        timestamp = self.timestamp

        ip_address = self.ip_address

        return_url = self.return_url

        callback_url = self.callback_url

        description = self.description

        user_agent = self.user_agent

        customer: dict[str, Any] | Unset = UNSET
        if not isinstance(self.customer, Unset):
            customer = self.customer.to_dict()

        save_payment = self.save_payment

        local_citizen = self.local_citizen

        sub_merchant: dict[str, Any] | Unset = UNSET
        if not isinstance(self.sub_merchant, Unset):
            sub_merchant = self.sub_merchant.to_dict()

        recurring_payment_info: dict[str, Any] | Unset = UNSET
        if not isinstance(self.recurring_payment_info, Unset):
            recurring_payment_info = self.recurring_payment_info.to_dict()

        request_payment_extra_info: dict[str, Any] | Unset = UNSET
        if not isinstance(self.request_payment_extra_info, Unset):
            request_payment_extra_info = self.request_payment_extra_info.to_dict()

        platform_charge: dict[str, Any] | Unset = UNSET
        if not isinstance(self.platform_charge, Unset):
            platform_charge = self.platform_charge.to_dict()

        channel_id: int | None | Unset
        if isinstance(self.channel_id, Unset):
            channel_id = UNSET
        else:
            channel_id = self.channel_id

        provider_channel_id: None | str | Unset
        if isinstance(self.provider_channel_id, Unset):
            provider_channel_id = UNSET
        else:
            provider_channel_id = self.provider_channel_id

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "currencyCode": currency_code,
                "amount": amount,
                "referenceCode": reference_code,
                "timestamp": timestamp,
                "ipAddress": ip_address,
                "returnUrl": return_url,
            }
        )
        if callback_url is not UNSET:
            field_dict["callbackUrl"] = callback_url
        if description is not UNSET:
            field_dict["description"] = description
        if user_agent is not UNSET:
            field_dict["userAgent"] = user_agent
        if customer is not UNSET:
            field_dict["customer"] = customer
        if save_payment is not UNSET:
            field_dict["savePayment"] = save_payment
        if local_citizen is not UNSET:
            field_dict["localCitizen"] = local_citizen
        if sub_merchant is not UNSET:
            field_dict["subMerchant"] = sub_merchant
        if recurring_payment_info is not UNSET:
            field_dict["recurringPaymentInfo"] = recurring_payment_info
        if request_payment_extra_info is not UNSET:
            field_dict["requestPaymentExtraInfo"] = request_payment_extra_info
        if platform_charge is not UNSET:
            field_dict["platformCharge"] = platform_charge
        if channel_id is not UNSET:
            field_dict["channelId"] = channel_id
        if provider_channel_id is not UNSET:
            field_dict["providerChannelId"] = provider_channel_id

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = _wire.members(src_dict)
        currency_code = d.pop("currencyCode")

        amount = d.pop("amount")

        reference_code = d.pop("referenceCode")

        timestamp = d.pop("timestamp")

        ip_address = d.pop("ipAddress")

        return_url = d.pop("returnUrl")

        callback_url = d.pop("callbackUrl", UNSET)

        description = d.pop("description", UNSET)

        user_agent = d.pop("userAgent", UNSET)

        _customer = d.pop("customer", UNSET)
        customer: Customer | Unset
        if isinstance(_customer, Unset):
            customer = UNSET
        else:
            customer = Customer.from_dict(_customer)

        save_payment = d.pop("savePayment", UNSET)

        local_citizen = d.pop("localCitizen", UNSET)

        _sub_merchant = d.pop("subMerchant", UNSET)
        sub_merchant: SubMerchant | Unset
        if isinstance(_sub_merchant, Unset):
            sub_merchant = UNSET
        else:
            sub_merchant = SubMerchant.from_dict(_sub_merchant)

        _recurring_payment_info = d.pop("recurringPaymentInfo", UNSET)
        recurring_payment_info: RecurringPaymentInfo | Unset
        if isinstance(_recurring_payment_info, Unset):
            recurring_payment_info = UNSET
        else:
            recurring_payment_info = RecurringPaymentInfo.from_dict(_recurring_payment_info)

        _request_payment_extra_info = d.pop("requestPaymentExtraInfo", UNSET)
        request_payment_extra_info: RequestPaymentExtraInfo | Unset
        if isinstance(_request_payment_extra_info, Unset):
            request_payment_extra_info = UNSET
        else:
            request_payment_extra_info = RequestPaymentExtraInfo.from_dict(_request_payment_extra_info)

        _platform_charge = d.pop("platformCharge", UNSET)
        platform_charge: PlatformCharge | Unset
        if isinstance(_platform_charge, Unset):
            platform_charge = UNSET
        else:
            platform_charge = PlatformCharge.from_dict(_platform_charge)

        def _parse_channel_id(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast("int | None | Unset", data)

        channel_id = _parse_channel_id(d.pop("channelId", UNSET))

        def _parse_provider_channel_id(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast("None | str | Unset", data)

        provider_channel_id = _parse_provider_channel_id(d.pop("providerChannelId", UNSET))

        payment_request = cls(
            currency_code=currency_code,
            amount=amount,
            reference_code=reference_code,
            timestamp=timestamp,
            ip_address=ip_address,
            return_url=return_url,
            callback_url=callback_url,
            description=description,
            user_agent=user_agent,
            customer=customer,
            save_payment=save_payment,
            local_citizen=local_citizen,
            sub_merchant=sub_merchant,
            recurring_payment_info=recurring_payment_info,
            request_payment_extra_info=request_payment_extra_info,
            platform_charge=platform_charge,
            channel_id=channel_id,
            provider_channel_id=provider_channel_id,
        )

        payment_request.additional_properties = d
        return payment_request

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


from ..models.customer import Customer
from ..models.platform_charge import PlatformCharge
from ..models.recurring_payment_info import RecurringPaymentInfo
from ..models.request_payment_extra_info import RequestPaymentExtraInfo
from ..models.sub_merchant import SubMerchant
