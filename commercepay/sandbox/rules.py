"""The gateway's rules: who has access, what a request does, and how a payment may move. No HTTP, no I/O.

docs/sandbox.md lists the rules that are assumptions, because they are not published.
"""

from __future__ import annotations

import heapq
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any, Final

from commercepay.sandbox.channels import CHANNELS
from commercepay.sandbox.clock import Clock, iso
from commercepay.sandbox.model import Event, Order, PaymentRecord, Switches, Tenant
from commercepay.sandbox.store import Store
from commercepay.status import PaymentStatus

TOKEN_LIFETIME: Final = 86_400
"""Seconds, as seen on staging."""

DEFAULT_EXPIRY: Final = 30
"""Minutes in which an order can be paid unless the request gives another number. An assumption."""

LOCK_OUT_AFTER: Final = 5
"""Wrong passwords in a row that lock a user. An assumption, like the next."""

LOCKED_FOR: Final = 300
"""Seconds for which a user is locked."""

_UNPAID = {status for status in PaymentStatus if status.is_closed_unpaid}
MOVES: Final[Mapping[PaymentStatus, frozenset[PaymentStatus]]] = {
    PaymentStatus.PENDING: frozenset({PaymentStatus.PAID, PaymentStatus.AUTHORISED, *_UNPAID} - {PaymentStatus.VOIDED}),
    PaymentStatus.AUTHORISED: frozenset({PaymentStatus.PAID, PaymentStatus.VOIDED, PaymentStatus.EXPIRED}),
    PaymentStatus.PAID: frozenset({PaymentStatus.REFUND_IN_PROGRESS, PaymentStatus.REFUNDED, PaymentStatus.VOIDED}),
    PaymentStatus.REFUND_IN_PROGRESS: frozenset({PaymentStatus.REFUNDED, PaymentStatus.REFUND_FAILED}),
    PaymentStatus.REFUND_FAILED: frozenset({PaymentStatus.REFUND_IN_PROGRESS}),
}
"""The statuses that can follow each status: money is taken once, and returned only after it was taken."""


class GatewayRefusal(Exception):
    """The gateway refuses a request, with one of its codes."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def _not_found() -> GatewayRefusal:
    return GatewayRefusal(2010, "Transaction Not Found")


class InvalidMembers(Exception):
    """The gateway refuses the members of a request.

    Attributes:
        problems: each a message and the members concerned.
    """

    def __init__(self, *problems: tuple[str, tuple[str, ...]]) -> None:
        super().__init__(problems)
        self.problems = problems


class LoginFailed(Exception):
    """Wrong credentials, or a locked user.

    Attributes:
        details: what the gateway gives as the reason; the message of the exception is the sandbox's.
    """

    def __init__(self, why: str, details: str = "Invalid user name or password") -> None:
        super().__init__(why)
        self.details = details


class NoAccess(Exception):
    """No token, a dead one, or another tenant's."""


@dataclass(frozen=True, slots=True)
class Grant:
    tenant: Tenant
    expires: int


class Gateway:
    """The rules, applied to one store.

    Args:
        announce: called with every outcome for which the merchant gets a callback.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        tenants: Mapping[int, Tenant],
        switches: Switches,
        announce: Callable[[Order, PaymentRecord], None],
    ) -> None:
        self.store = store
        self.clock = clock
        self.tenants = tenants
        self._switches = switches
        self._announce = announce
        self._tokens: dict[str, Grant] = {}
        self._revoked: dict[str, str] = {}
        self._wrong_passwords: dict[int, list[int]] = {}
        self._expiries = [(order.expires, order.number) for order in store.orders.values() if order.state == "open"]
        heapq.heapify(self._expiries)

    # --- access ------------------------------------------------------------------------------------------------------

    def authenticate(self, tenant_header: str | None, members: Mapping[str, Any]) -> dict[str, Any]:
        tenant = self._tenant(tenant_header)
        if tenant is None:
            raise LoginFailed(_tenant_problem(tenant_header))
        if members["userNameOrEmailAddress"] != tenant.username:
            raise LoginFailed("the user name is not the one that the sandbox printed for this tenant")
        self._check_lock(tenant)
        if not secrets.compare_digest(members["password"].encode(errors="replace"), tenant.password.encode()):
            if self._switches.lock_out:
                self._wrong_passwords.setdefault(tenant.id, []).append(self.clock.now())
            raise LoginFailed("the password is not the one that the sandbox printed for this tenant")
        self._wrong_passwords.pop(tenant.id, None)
        token = secrets.token_urlsafe(48)
        self._tokens[token] = Grant(tenant, self.clock.now() + TOKEN_LIFETIME * 1000)
        return {
            "accessToken": token,
            "encryptedAccessToken": secrets.token_urlsafe(48),
            "expireInSeconds": TOKEN_LIFETIME,
            "userId": tenant.user_id,
        }

    def _check_lock(self, tenant: Tenant) -> None:
        wrong = self._wrong_passwords.get(tenant.id, [])
        if len(wrong) < LOCK_OUT_AFTER:
            return
        if self.clock.now() < wrong[-1] + LOCKED_FOR * 1000:
            why = f"{LOCK_OUT_AFTER} wrong passwords locked the user for {LOCKED_FOR} seconds"
            raise LoginFailed(why, "The user account has been locked out. Please try again later.")
        wrong.clear()

    def admit(self, authorization: str | None, tenant_header: str | None) -> Tenant:
        """The tenant that the token was issued to. The header is read only with the switch `strict_tenant`."""
        scheme, _, token = (authorization or "").partition(" ")
        grant = self._tokens.get(token) if scheme.lower() == "bearer" else None
        if grant is None:
            raise NoAccess(self._token_problem(authorization))
        if grant.expires <= self.clock.now():
            now = iso(self.clock.now())
            raise NoAccess(f"the access token expired at {iso(grant.expires)}; the sandbox's clock says {now}")
        if not self._switches.strict_tenant:
            return grant.tenant
        if self._tenant(tenant_header) is None:
            raise NoAccess(_tenant_problem(tenant_header))
        if tenant_header != str(grant.tenant.id):
            raise NoAccess(f"the access token belongs to tenant {grant.tenant.id}, Abp-TenantId says {tenant_header}")
        return grant.tenant

    def revoke_tokens(self) -> None:
        self._revoked.update(dict.fromkeys(self._tokens, "the access token was revoked"))
        self._tokens.clear()

    def _tenant(self, header: str | None) -> Tenant | None:
        return (
            self.tenants.get(int(header))
            if header and header.isascii() and header.isdigit() and len(header) < 10
            else None
        )

    def _token_problem(self, authorization: str | None) -> str:
        if not authorization:
            return "there is no Authorization header: send `Authorization: Bearer <access token>`"
        scheme, _, token = authorization.partition(" ")
        inner = token.strip("{}<>\"' ")
        if inner != token and inner in self._tokens:
            return "the token is in braces, brackets or quotes (`Bearer {token}`): send the bare token after `Bearer `"
        if authorization in self._tokens or scheme.lower() != "bearer":
            return "the Authorization header does not begin with `Bearer `"
        return self._revoked.get(token, "this sandbox has not issued this access token since it was started")

    # --- the endpoints -----------------------------------------------------------------------------------------------

    def initial_session(self, tenant: Tenant, members: dict[str, Any], base_url: str) -> dict[str, Any]:
        minutes = members.get("expiredInMinutes", DEFAULT_EXPIRY)
        if minutes < 1:
            raise InvalidMembers(("The field ExpiredInMinutes must be greater than 0.", ("expiredInMinutes",)))
        order = self._open(tenant, members, is_session=True, minutes=minutes)
        return {**_redirect(f"{base_url}{order.pay_path}"), "sessionNumber": order.number}

    def request_payment(self, tenant: Tenant, members: dict[str, Any], base_url: str) -> dict[str, Any]:
        order = self._open(tenant, members, is_session=False, minutes=DEFAULT_EXPIRY)
        channel = CHANNELS.get(members.get("channelId", 0))
        url = f"{base_url}{order.pay_path}"
        redirect = _script(f"{url}/open") if channel is not None and channel.has_script else _redirect(url)
        return {**redirect, "transactionNumber": order.number}

    def channels(self, _tenant: Tenant, members: dict[str, Any], _base_url: str) -> list[dict[str, Any]]:
        return [one.to_result() for one in CHANNELS.values()] if members["countryCode"].upper() == "MY" else []

    def query(self, tenant: Tenant, members: dict[str, Any], base_url: str) -> dict[str, Any]:
        transaction, session = members.get("TransactionNumber"), members.get("SessionNumber")
        if not transaction and not session:
            message = "TransactionNumber or SessionNumber is required."
            raise InvalidMembers((message, ("transactionNumber", "sessionNumber")))
        order = self.store.order(transaction or session or "")
        if order is None or order.tenant_id != tenant.id or (session and order.session_number != session):
            raise _not_found()
        payment = order.last
        if transaction:
            found = self.store.payment(transaction)
            if found is None:
                raise _not_found()
            payment = found[1]
        return {
            "transactionNumber": payment.transaction_number,
            "paymentSessionNumber": order.session_number,
            "referenceCode": order.reference_code,
            "status": payment.status.value,
            "currencyCode": order.currency,
            "amount": payment.amount,
            "channelId": payment.channel_id,
            "providerChannelId": payment.provider_channel_id,
            "providerTransactionNumber": payment.provider_transaction_number,
            "creationTime": iso(payment.created),
            "remark": None,
            "providerPaymentMethod": None,
            "providerErrorMessage": payment.provider_error_message,
        }

    def _open(self, tenant: Tenant, members: dict[str, Any], *, is_session: bool, minutes: int) -> Order:
        if self.store.has_reference(tenant.id, members["referenceCode"]):
            raise GatewayRefusal(2009, "Duplicate Transaction")
        now = self.clock.now()
        payment = self._new_payment(now, members)
        order = Order(
            number=_number(now) if is_session else payment.transaction_number,
            is_session=is_session,
            tenant_id=tenant.id,
            request=members,
            created=now,
            expires=now + minutes * 60_000,
            attempts=[payment],
        )
        self.store.add(order)
        self.store.save(order)
        heapq.heappush(self._expiries, (order.expires, order.number))
        return order

    def _new_payment(self, now: int, request: Mapping[str, Any]) -> PaymentRecord:
        return PaymentRecord(
            _number(now),
            now,
            request["amount"],
            channel_id=request.get("channelId"),
            provider_channel_id=request.get("providerChannelId"),
            timeline=[Event(now, PaymentStatus.PENDING.value, "created")],
        )

    # --- what happens to an order ------------------------------------------------------------------------------------

    def settle(
        self,
        number: str,
        status: PaymentStatus,
        *,
        channel_id: int | None = None,
        provider_channel_id: str | None = None,
        attempt: int | None = None,
        note: str = "",
    ) -> PaymentRecord:
        """The customer's attempt ends in a status. In a session, after a failed attempt, this is a new attempt.

        Args:
            number: the session number; without a session the transaction number.
            channel_id: the channel that the customer uses; by default the one of the request, or the first channel.
            provider_channel_id: the bank or wallet inside the channel.
            attempt: the number of the attempt (1 is the first), so that a form that is sent twice is one attempt.

        Raises:
            GatewayRefusal: 2010 no such order, 2021 it expired, 2022 the order or the attempt has ended.
        """
        order = self._order(number)
        payment = order.last
        again = order.is_session and payment.status.is_closed_unpaid
        if order.expired:
            raise GatewayRefusal(2021, "Payment Expired")
        if attempt is not None and attempt != len(order.attempts) + again:
            raise GatewayRefusal(2022, "Transaction Already Processed")
        if again:
            payment = self._new_payment(self.clock.now(), order.request)
            self._check_move(payment, status)
            self.store.add_attempt(order, payment)
        self._check_move(payment, status)
        if channel_id is None and payment.channel_id is None and (status.is_paid or status.is_authorised):
            channel_id = next(iter(CHANNELS))
        if channel_id is not None and (channel_id != payment.channel_id or provider_channel_id is not None):
            payment.channel_id, payment.provider_channel_id = channel_id, provider_channel_id
        self._record(order, payment, status, note or "settled")
        return payment

    def move(self, transaction_number: str, status: PaymentStatus) -> PaymentRecord:
        """One payment goes to another status, as with a capture, refund or void in the real gateway's back office."""
        found = self.store.payment(transaction_number)
        if found is None:
            raise _not_found()
        order, payment = found
        self._check_move(payment, status)
        self._record(order, payment, status, "moved")
        return payment

    def expire(self, number: str) -> Order:
        """The order expires at once.

        Raises:
            GatewayRefusal: 2010 no such order, 2021 it has already expired, 2022 it has ended.
        """
        order = self._order(number)
        if order.expired:
            raise GatewayRefusal(2021, "Payment Expired")
        if order.state != "open":
            raise GatewayRefusal(2022, "Transaction Already Processed")
        self._expire(order)
        return order

    def tick(self) -> None:
        """Expire the orders that are due."""
        now = self.clock.now()
        while self._expiries and self._expiries[0][0] <= now:
            _, number = heapq.heappop(self._expiries)
            order = self.store.orders.get(number)
            if order is not None and order.state == "open":
                self._expire(order)

    @property
    def next_expiry(self) -> int | None:
        return self._expiries[0][0] if self._expiries else None

    def _order(self, number: str) -> Order:
        order = self.store.order(number)
        if order is None:
            raise _not_found()
        return order

    def _expire(self, order: Order) -> None:
        order.expired = True
        if order.last.status.is_pending:
            self._record(order, order.last, PaymentStatus.EXPIRED, "expired")
        else:
            self.store.save(order)

    def _check_move(self, payment: PaymentRecord, status: PaymentStatus) -> None:
        if status in MOVES.get(payment.status, ()):
            return
        if payment.status is PaymentStatus.EXPIRED:
            raise GatewayRefusal(2021, "Payment Expired")
        if payment.status.is_final:
            raise GatewayRefusal(2022, "Transaction Already Processed")
        raise GatewayRefusal(0, f"A payment does not go from {payment.status.name} to {status.name}")

    def _record(self, order: Order, payment: PaymentRecord, status: PaymentStatus, note: str) -> None:
        payment.status = status
        payment.timeline.append(Event(self.clock.now(), status.value, note))
        if payment.provider_transaction_number is None and (status.is_paid or status.is_authorised):
            payment.provider_transaction_number = f"SANDBOX-{payment.transaction_number}"
            channel = CHANNELS.get(payment.channel_id or 0)
            payment.surcharge = channel.surcharge_on(order.amount) if channel is not None else 0
            if self._switches.report_surcharge:
                payment.amount += payment.surcharge
        if status.is_closed_unpaid:
            payment.provider_error_message = status.name.replace("_", " ").capitalize()
        self.store.save(order)
        self._announce(order, payment)


def _number(now: int) -> str:
    """A number in the gateway's shape: 22 capitals and digits, or 25 that end in the day."""
    if secrets.randbelow(2):
        return secrets.token_hex(11).upper()
    year, month, day = iso(now)[2:10].split("-")
    return f"{secrets.token_hex(10)[:19].upper()}{year}{month}{day}"


def _redirect(url: str) -> dict[str, Any]:
    return {"redirectionType": 1, "redirectUrl": url, "clientScript": None}


def _script(url: str) -> dict[str, Any]:
    """A form that submits itself, in place of a URL."""
    script = f'<form id="commercepay" method="post" action="{escape(url)}"></form>'
    script += '<script>document.getElementById("commercepay").submit()</script>'
    return {"redirectionType": 2, "redirectUrl": None, "clientScript": script}


def _tenant_problem(header: str | None) -> str:
    if header is None:
        return (
            "there is no Abp-TenantId header (older integrations write Abp.TenantId; the sandbox requires the hyphen)"
        )
    return "this sandbox has no tenant of that Abp-TenantId"
