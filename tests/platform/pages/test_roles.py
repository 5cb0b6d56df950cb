"""What somebody may not do is switched off and says why; the API refuses it all the same."""

from __future__ import annotations

import httpx
import pytest
from playwright.sync_api import Browser, expect

from tests.platform.pages.stage import PASSWORD, Platform, done, shoot, signed, watched

pytestmark = pytest.mark.xdist_group("browser")


def test_a_viewer_looks_and_learns_why_not_more(
    browser: Browser, platform: Platform, admin: httpx.Client, space: str
) -> None:
    """Buttons are switched off with the reason, and reached by the keyboard; pages that are not theirs say so."""
    root = f"/workspaces/{space}"
    done(admin.post("/users", json={"email": f"v-{space}@b.c", "name": "Vi", "password": PASSWORD}))
    done(admin.put(f"{root}/members/v-{space}@b.c", json={"role": "viewer"}))
    body = {"environment": "staging", "integration": "orders", "tag": "1.0.0"}
    id_ = done(admin.post(f"{root}/deployments", json=body)).json()["id"]
    with watched(browser, platform) as context:
        page = signed(context, platform, f"v-{space}@b.c").new_page()
        page.goto(f"/w/{space}/deployments/{id_}")
        expect(page.locator("#phase")).to_have_text("Running")
        expect(page.get_by_role("log")).to_contain_text("This needs the role admin or developer or operator")
        for name in ("Scale", "Pause", "Restart", "Remove"):
            button = page.get_by_role("button", name=name)
            expect(button).to_have_attribute("aria-disabled", "true")
            why = "This needs the role admin or operator in this workspace"
            expect(button).to_have_accessible_description(why)
            button.focus()
            page.keyboard.press("Enter")
            expect(page.locator("dialog[open]")).to_have_count(0)
        page.get_by_role("button", name="Roll to…").click()
        page.get_by_role("spinbutton", name="Instances").fill("3")
        page.get_by_role("button", name="Show the plan").click()
        go = page.get_by_role("button", name="Roll to 1.0.0")
        expect(go).to_have_attribute("aria-disabled", "true")
        expect(page.locator("#plan .error")).to_have_text(why)
        shoot(page, "plan-of-a-viewer")
        expect(page.get_by_role("navigation").get_by_role("link")).to_have_text(
            ["Integrations", "Deployments", "Environments", "Workspaces", "Your account"]
        )
        page.goto(f"/w/{space}/secrets")
        expect(page.get_by_role("status")).to_contain_text("Your role does not allow this")
        page.goto("/w/nowhere")
        expect(page.get_by_role("status")).to_contain_text("there is no workspace 'nowhere'")
