"""The arguments of the calls that are not plain strings or numbers, and the results."""

from __future__ import annotations

from enum import IntEnum

from commercepay._base.fact_key import fact_key
from commercepay._base.record import Argument, Record
from commercepay.money import Money
from commercepay.status import PaymentStatus

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from decimal import Decimal
    from typing import Any

__all__ = [
    "Channel",
    "ChannelCurrency",
    "Customer",
    "IdentificationType",
    "Payment",
    "PlatformCharge",
    "Recurrence",
    "RecurrenceMode",
    "Session",
    "StartedPayment",
    "SubMerchant",
]


class IdentificationType(IntEnum):
    """The kind of document that `Customer.identification_number` is from (source: public integrations)."""

    NEW_IDENTITY_NUMBER = 1
    OLD_IDENTITY_NUMBER = 2
    PASSPORT = 3
    BUSINESS_REGISTRATION = 4
    OTHER = 5


class RecurrenceMode(IntEnum):
    """How often a recurring payment is collected (source: public integrations)."""

    DAILY = 1
    WEEKLY = 2
    MONTHLY = 3
    YEARLY = 4


class Customer(Argument):
    """The person who pays (source: public integrations).

    Attributes:
        name: up to 36 characters; an emoji counts as two (an assumption: .NET counts UTF-16).
        email: an e-mail address.
        mobile_number: a telephone number, as a string.
        username: the name of the customer's account at the merchant.
        identification_number: needed for recurring payments over FPX.
        identification_type: the kind of document that it is from.
    """

    name: str | None = None
    email: str | None = None
    mobile_number: str | None = None
    username: str | None = None
    identification_number: str | None = None
    identification_type: IdentificationType | None = None


class SubMerchant(Argument):
    """The merchant that sells through a platform (source: public integrations).

    Attributes:
        unique_id: the platform's key for the merchant.
        name: the merchant's name.
    """

    unique_id: str | None = None
    name: str | None = None


class Recurrence(Argument):
    """A plan of recurring payments: `recurringPaymentInfo` (source: public integrations).

    Attributes:
        mode: how often a payment is collected.
        number_of_payments: up to 999.
        effective_date: the first day.
        expiry_date: the last day.
        maximum_amount: the highest amount of one payment, in the payment's currency (an assumption).
        is_fixed_amount: whether all payments have the same amount.
        id: the plan's identifier.
    """

    mode: RecurrenceMode | None = None
    number_of_payments: int | None = None
    effective_date: date | None = None
    expiry_date: date | None = None
    maximum_amount: Money | None = None
    is_fixed_amount: bool | None = None
    id: str | None = None


class PlatformCharge(Argument):
    """A platform's share; for authorised partners only (source: public integrations).

    Attributes:
        partner_id: the partner's identifier.
        amount: the charge, in the payment's currency (an assumption).
    """

    partner_id: str | None = None
    amount: Money | None = None


class Session(Record):
    """A hosted payment session that was opened. The customer can try again in it until it expires.

    Attributes:
        redirect_url: the URL to which you send the customer's browser.
        session_number: the gateway's number of the session; store it with the order.
        redirection_type: the gateway's number for the way to redirect: 1, as seen.
        reference_code: the merchant's reference code, as sent.
        raw: the whole result.
    """

    redirect_url: str
    session_number: str
    redirection_type: int | None = None
    reference_code: str
    raw: Mapping[str, Any]

    _aside = ("raw",)


class StartedPayment(Record):
    """A payment that was started with `payments.create`. Started is not paid.

    The customer continues in one of two ways: at `redirect_url`, or through `client_script`. Exactly one of them is not None.
    The integrations have a response for both: `redirect`.

    Attributes:
        redirect_url: the URL to which you send the customer's browser, or None.
        client_script: HTML with a form that submits itself, which you send to the customer's browser as a page, or None. It
            comes with some channels that were chosen with `channel_id` (source: public integrations).
        transaction_number: the gateway's number of the payment; store it with the order.
        redirection_type: the gateway's number for the way to redirect: 1 for the URL, 2 for the script.
        reference_code: the merchant's reference code, as sent.
        raw: the whole result.
    """

    redirect_url: str | None = None
    client_script: str | None = None
    transaction_number: str
    redirection_type: int | None = None
    reference_code: str
    raw: Mapping[str, Any]

    _aside = ("raw",)

    @property
    def uses_script(self) -> bool:
        """Whether the customer continues through `client_script`, and not at `redirect_url`."""
        return self.client_script is not None


class Payment(Record):
    """A payment, as the gateway reported it in the result of a query.

    Attributes:
        status: the status; `decide` compares everything, `status.is_paid` is only the status.
        amount: the amount.
        reference_code: the merchant's reference code.
        transaction_number: the gateway's number of the payment, or None if it was not reported, like all that follow.
        session_number: the number of the hosted session that the payment belongs to.
        channel_id: the number of the payment channel; no list is published.
        provider_transaction_number: the number at the bank or wallet.
        provider_payment_method: the method at the bank or wallet.
        provider_error_message: the reason for which the bank or wallet refused.
        created: the gateway's `creationTime`, as text; its time zone is not published.
        remark: the gateway's remark.
        raw: the whole result, with members that the package has no attribute for.
    """

    status: PaymentStatus
    amount: Money
    reference_code: str
    transaction_number: str | None = None
    session_number: str | None = None
    channel_id: int | None = None
    provider_transaction_number: str | None = None
    provider_payment_method: str | None = None
    provider_error_message: str | None = None
    created: str | None = None
    remark: str | None = None
    raw: Mapping[str, Any]

    _aside = ("raw",)

    @property
    def fact_key(self) -> str | None:
        """The key of the fact reported: that of the `Callback` which reports the same (see `Callback.fact_key`).

        None if the gateway reported no transaction number: the matching callback is then not known.
        """
        if self.transaction_number is None:
            return None
        return fact_key(
            self.transaction_number, self.status, self.amount.minor, self.amount.currency, self.reference_code
        )


class ChannelCurrency(Record):
    """A currency that a channel accepts, with its limits and surcharges (source: public integrations).

    The units of the amounts are not published: they may be minor units or not. They are kept as the numbers that the gateway
    sent. Compare them with a channel that you have used before you calculate with them.

    Attributes:
        currency: `acceptedCurrencyCode`, ISO 4217; None if it was not reported, like all that follow.
        min_request_amount: the lowest amount of a payment.
        max_request_amount: the highest amount of a payment.
        daily_transaction_count: probably the highest number of payments a day (an assumption).
        daily_transaction_amount: probably the highest sum of payments a day (an assumption).
        min_surcharge_amount: the lowest surcharge.
        max_surcharge_amount: the highest surcharge.
        is_surcharge_percentage: whether `surcharge` is a percentage, and not an amount.
        surcharge: what the customer pays in addition. `Expected` has `surcharges` for it.
        raw: all members, with those that the package has no attribute for.
    """

    currency: str | None = None
    min_request_amount: Decimal | None = None
    max_request_amount: Decimal | None = None
    daily_transaction_count: int | None = None
    daily_transaction_amount: Decimal | None = None
    min_surcharge_amount: Decimal | None = None
    max_surcharge_amount: Decimal | None = None
    is_surcharge_percentage: bool | None = None
    surcharge: Decimal | None = None
    raw: Mapping[str, Any]

    _aside = ("raw",)


class Channel(Record):
    """A payment channel that the merchant can offer (source: public integrations).

    Attributes:
        id: the number, for `channel_id` and `hidden_channels`.
        name: the name; None if it was not reported, like all that follow.
        type: the kind of channel; the meaning of the numbers is not published.
        is_provider_host_channel: whether the provider hosts the channel; what follows from it is not published.
        image_url: a picture of the channel.
        group_id: the number of the channel's group.
        group_name: the name of the group.
        group_image_url: a picture of the group.
        save_payment: whether the channel can save the payment method.
        currencies: the currencies that it accepts; empty if none were reported.
        raw: all members, with those that the package has no attribute for.
    """

    id: int
    name: str | None = None
    type: int | None = None
    is_provider_host_channel: bool | None = None
    image_url: str | None = None
    group_id: int | None = None
    group_name: str | None = None
    group_image_url: str | None = None
    save_payment: bool | None = None
    currencies: tuple[ChannelCurrency, ...] = ()
    raw: Mapping[str, Any]

    _aside = ("raw",)
