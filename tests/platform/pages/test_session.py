"""A session that ends while somebody works, and the way back after signing in."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.platform.pages.stage import EMAIL, PASSWORD, Platform, watched

pytestmark = pytest.mark.xdist_group("browser")


def test_a_session_is_renewed_and_its_end_loses_nothing(page: Page, space: str) -> None:
    """Without the session it goes on by the renewal; without both, a text that is typed stays, and reading signs in."""
    page.goto(f"/w/{space}/integrations/orders")
    content = page.get_by_label("Content", exact=True)
    expect(content).not_to_be_empty()
    page.context.clear_cookies(name="octo-session")
    content.press("Control+Home")
    content.press_sequentially("# mine\n")
    content.press("Control+s")
    expect(page.get_by_role("status")).to_have_text("orders.yaml is saved.")
    page.context.clear_cookies()
    content.press_sequentially("# again\n")
    page.get_by_role("button", name="Save", exact=True).click()
    error = page.locator("#editor .error")
    expect(error).to_contain_text("You have been signed out.")
    with page.context.expect_page() as other:
        error.get_by_role("link", name="Sign in").click()
    sign_in(other.value)
    expect(other.value.get_by_role("heading", name="orders", exact=True)).to_be_visible()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#dirty")).to_be_hidden()
    assert content.input_value().startswith("# mine\n# again\n")


LED = {
    "/w/shop?q=a": "/w/shop?q=a",
    "/users": "/users",
    "": "/",
    "https://evil.example/": "/",
    "//evil.example/": "/",
    "/\\evil.example/": "/",
    "\\/evil.example/": "/",
    "/\t/evil.example/": "/",
    "/.//evil.example/": "/",
    "/w/..//evil.example/": "/",
    " //evil.example/": "/",
    "javascript:alert(1)": "/",
    "evil": "/",
    "/login?return_to=/": "/",
    "//[": "/",
}
"""`return_to` → where it leads."""


def test_signing_in_leads_back_to_this_platform_alone(browser: Browser, platform: Platform) -> None:
    with watched(browser, platform) as context:
        page = context.new_page()
        page.goto("/login?return_to=//evil.example/")
        found = page.evaluate(
            """async given => {
              const { returning } = await import("/pages/parts/returning.js")
              return given.map(each => returning("?" + new URLSearchParams({return_to: each})))
            }""",
            [*LED],
        )
        assert dict(zip(LED, found, strict=True)) == LED
        sign_in(page)
        expect(page).to_have_url(platform.url + "/")


def sign_in(page: Page) -> None:
    page.get_by_label("Email").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
