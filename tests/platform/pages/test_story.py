"""The pages in a real browser, as one person uses them."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.platform.pages.stage import EMAIL, PASSWORD, Platform, shoot, watched

pytestmark = pytest.mark.xdist_group("browser")


@pytest.fixture
def page(browser: Browser, fresh: Platform) -> Iterator[Page]:
    with watched(browser, fresh) as context:
        yield context.new_page()


def test_from_the_first_run_to_a_deployment_and_back(page: Page, fresh: Platform) -> None:
    """Set up, sign in, an integration of a sample, a version, a deployment, another version, back, a secret, out."""
    set_up(page, fresh)
    page.get_by_label("Name").fill("shop")
    page.get_by_role("button", name="Create workspace").click()
    expect(page).to_have_url(f"{fresh.url}/w/shop")
    page.get_by_role("link", name="Environments").click()
    page.get_by_label("Name").fill("staging")
    page.get_by_role("button", name="Create environment").click()
    expect(page.get_by_role("status")).to_have_text("staging is created.")
    shoot(page, "environments")
    create(page, "http-orders")
    tag(page, "1.0.0")
    deploy(page)
    edit(page, "http-orders")
    tag(page, "1.1.0")
    roll(page, "1.1.0")
    go_back(page)
    secret(page)
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(f"{fresh.url}/login")
    page.goto("/w/shop/secrets")
    expect(page).to_have_url(f"{fresh.url}/login?return_to=%2Fw%2Fshop%2Fsecrets")
    page.get_by_label("Email").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{fresh.url}/w/shop/secrets")


def set_up(page: Page, platform: Platform) -> None:
    page.goto("/")
    expect(page).to_have_url(f"{platform.url}/setup")
    page.goto("/login")
    expect(page).to_have_url(f"{platform.url}/setup")
    page.evaluate("token => { location.hash = token; location.reload() }", platform.token)
    expect(page.get_by_label("Token")).to_have_value(platform.token)
    expect(page).to_have_url(f"{platform.url}/setup")
    shoot(page, "setup")
    page.get_by_label("Email").fill(EMAIL)
    page.get_by_label("Name").fill("Ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Set up and sign in").click()
    expect(page.get_by_role("heading", name="Workspaces", exact=True)).to_be_visible()
    expect(page.locator("#who")).to_have_text("Ada")
    shoot(page, "workspaces-empty")


def create(page: Page, sample: str) -> None:
    page.get_by_role("link", name="Integrations").click()
    page.get_by_role("button", name="New integration").click()
    dialog = page.get_by_role("dialog", name="New integration")
    dialog.get_by_label("Name").fill("orders")
    dialog.get_by_role("combobox", name="Begin with").select_option(sample)
    dialog.get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", name="orders", exact=True)).to_be_visible()
    expect(page.get_by_label("Content", exact=True)).to_have_value(having("flows:"))


def having(text: str) -> re.Pattern[str]:
    return re.compile(re.escape(text))


def tag(page: Page, name: str) -> None:
    page.get_by_role("button", name="Tag a version").click()
    page.get_by_label("Tag", exact=True).fill(name)
    page.get_by_role("button", name="Tag", exact=True).click()
    expect(page.locator("#versions").get_by_role("rowheader", name=name)).to_be_visible()


def deploy(page: Page) -> None:
    shoot(page, "integration")
    page.locator("#deploy").click()
    shoot(page, "deploying")
    page.get_by_role("button", name="Show the plan").click()
    plan = page.get_by_role("dialog", name="Deploy orders to staging")
    expect(plan.get_by_role("table", name="Routes")).to_contain_text("/orders")
    shoot(page, "plan")
    plan.get_by_role("button", name="Deploy to staging").click()
    expect(page.locator("#phase")).to_have_text("Running")
    expect(page.locator("#instances").get_by_role("rowheader", name="orders-0")).to_be_visible()
    expect(page.get_by_role("log")).to_contain_text("line 1")
    shoot(page, "deployment")


def edit(page: Page, sample: str) -> None:
    """Add a line to a file, and meet somebody who did so, too."""
    page.locator("#tiles").get_by_role("link", name="orders", exact=True).click()
    content = page.get_by_label("Content", exact=True)
    expect(content).to_have_value(having("flows:"))
    content.press("Control+Home")
    content.type("# mine\n")
    expect(page.locator("#dirty")).to_be_visible()
    page.evaluate(
        """async name => {
            const path = `/api/v1/workspaces/shop/integrations/orders/files/${name}.yaml`
            const read = await fetch(path)
            const headers = {"If-Match": read.headers.get("ETag"), "Content-Type": "application/octet-stream"}
            await fetch(path, {method: "PUT", headers, body: "# theirs\\n" + await read.text()})
        }""",
        sample,
    )
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_label("What is stored now")).to_have_value(having("# theirs"))
    shoot(page, "conflict")
    page.get_by_role("button", name="Overwrite it with mine").click()
    expect(page.get_by_role("status")).to_have_text(f"{sample}.yaml is saved.")
    content.fill("flows: [{name: a, process: [{type: nope}]}]\n")
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_role("heading", name="1 problem in the files as they are stored")).to_be_focused()
    shoot(page, "problems")
    page.get_by_role("button", name=f"{sample}.yaml:1").click()
    expect(content).to_be_focused()
    content.fill(
        "flows: [{name: a, source: {type: http, settings: {path: /x}}, process: [{type: log, message: '\"x\"'}]}]\n"
    )
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#dirty")).to_be_hidden()
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_role("status")).to_have_text(having("No problems"))


def roll(page: Page, to: str) -> None:
    page.locator("#deployments").get_by_role("link", name="orders", exact=True).click()
    page.get_by_role("button", name="Roll to…").click()
    page.get_by_role("combobox", name="Version").select_option(to)
    page.get_by_role("spinbutton", name="Instances").fill("2")
    page.get_by_role("button", name="Show the plan").click()
    plan = page.get_by_role("dialog", name="Roll orders in staging")
    expect(plan).to_contain_text("1.0.0 → 1.1.0")
    expect(plan.get_by_role("table", name="Settings")).to_contain_text("1 → 2")
    shoot(page, "plan-of-a-roll")
    plan.get_by_role("button", name=f"Roll to {to}").click()
    expect(page.locator("#instances").get_by_role("rowheader", name="orders-1")).to_be_visible()
    expect(page.locator("#tiles")).to_contain_text("1.1.0")
    expect(page.locator("#phase")).to_have_text("Running")


def go_back(page: Page) -> None:
    page.get_by_role("button", name="Go back to generation 1").click()
    page.get_by_role("dialog").get_by_role("button", name="Go back to 1.0.0").click()
    expect(page.locator("#releases").get_by_role("rowheader", name="3")).to_be_visible()
    expect(page.locator("#phase")).to_have_text("Running")
    expect(page.locator("#tiles")).to_contain_text("1.0.0")


def secret(page: Page) -> None:
    page.get_by_role("link", name="Secrets").click()
    page.get_by_label("Name").fill("BANK_TOKEN")
    page.get_by_label("Value").fill("s3cr3t-v4lue")
    page.get_by_role("button", name="Set secret").click()
    expect(page.get_by_role("rowheader", name="BANK_TOKEN")).to_be_visible()
    assert "s3cr3t-v4lue" not in page.content()
    expect(page.get_by_label("Value")).to_have_value("")
    shoot(page, "secrets")
