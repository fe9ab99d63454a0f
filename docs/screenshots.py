"""Make the screenshots of the sandbox in docs/images/. This needs the same packages as tests/browser.

It starts a sandbox, creates some payments and requests, and takes pictures of its pages with Debian's Chromium.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import time
from pathlib import Path

import httpx
from playwright.sync_api import Page, sync_playwright

from commercepay import CommercePay, Money, PaymentStatus
from commercepay.testing import Sandbox, sandbox

IMAGES = Path(__file__).parent / "images"
CHROMIUM = os.environ.get("COMMERCEPAY_CHROMIUM", "/usr/bin/chromium")
ARGUMENTS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 800}


def open_session(client: CommercePay, sb: Sandbox, reference_code: str, amount: str, description: str) -> str:
    session = client.sessions.create(
        reference_code=reference_code,
        amount=Money(amount, "MYR"),
        description=description,
        ip_address="203.0.113.9",
        return_url="https://shop.example.my/return",
        callback_url=f"{sb.url}/_sandbox/inbox",
    )
    return session.session_number


def send_unsorted(sb: Sandbox) -> None:
    """A request with a refused signature: its members were not sorted for it."""
    one = sb.credentials
    tenant = {"Abp-TenantId": str(one.tenant_id)}
    login = {"userNameOrEmailAddress": one.username, "password": one.password}
    token = httpx.post(f"{sb.url}/api/TokenAuth/Authenticate", json=login, headers=tenant).json()["result"][
        "accessToken"
    ]
    url = f"{sb.url}/api/services/app/PaymentGateway/InitialSession"
    members = {
        "referenceCode": "INV-2026-0419",
        "currencyCode": "MYR",
        "amount": 4590,
        "timestamp": time.time_ns() // 1_000_000,
        "ipAddress": "203.0.113.9",
        "returnUrl": "https://shop.example.my/return",
        "callbackUrl": f"{sb.url}/_sandbox/inbox",
    }
    text = (url + json.dumps(members, separators=(",", ":"))).lower()
    signed = hmac.new(one.secret_key.encode(), text.encode(), hashlib.sha256).hexdigest()
    httpx.post(url, json=members, headers={**tenant, "Authorization": f"Bearer {token}", "cap-signature": signed})


def shoot(page: Page, url: str, name: str, *, whole: bool = False) -> None:
    page.goto(url)
    page.screenshot(path=IMAGES / name, full_page=whole, animations="disabled")


def main() -> None:
    IMAGES.mkdir(exist_ok=True)
    with sandbox() as sb, sb.client() as client, sync_playwright() as playwright:
        number = open_session(client, sb, "INV-2026-0417", "129.00", "Batik shirt, size L, indigo")
        tried = open_session(client, sb, "INV-2026-0418", "45.90", "Two notebooks")
        sb.fail(tried, PaymentStatus.INSUFFICIENT_FUNDS)
        sb.pay(tried)
        sb.faults.add("status", endpoint="Query", status=429, times=3)
        send_unsorted(sb)
        sb.settle()
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        shoot(browser.new_page(viewport=DESKTOP), f"{sb.url}/pay/{number}", "payment-page.png")
        shoot(browser.new_page(viewport=PHONE), f"{sb.url}/pay/{number}", "payment-page-phone.png")
        shoot(browser.new_page(viewport=DESKTOP), f"{sb.url}/_sandbox/", "dashboard.png", whole=True)
        browser.close()


if __name__ == "__main__":
    main()
