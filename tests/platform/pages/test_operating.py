"""A deployment as an operator sees and changes it: what happens is shown as it happens."""

from __future__ import annotations

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.platform.pages.stage import Platform, done, shoot

pytestmark = pytest.mark.xdist_group("browser")


def test_a_deployment_is_scaled_paused_rolled_and_removed(
    page: Page, platform: Platform, admin: httpx.Client, space: str
) -> None:
    """A bad version goes back by itself, and a plan that has changed is shown anew before anything is done."""
    root = f"/workspaces/{space}"
    done(admin.post(f"{root}/integrations/orders/versions", json={"tag": f"bad-{space}"}))
    platform.stage.bad.add(f"bad-{space}")
    body = {"environment": "staging", "integration": "orders", "tag": "1.0.0"}
    id_ = done(admin.post(f"{root}/deployments", json=body)).json()["id"]
    page.goto(f"/w/{space}/deployments/{id_}")
    phase, instances, generation = page.locator("#phase"), page.locator("#instances tbody tr"), page.locator("#tiles")
    expect(phase).to_have_text("Running")
    expect(page.locator("#live")).to_have_text("Live")

    page.get_by_role("button", name="Scale").click()
    page.get_by_role("spinbutton", name="Instances").fill("3")
    page.get_by_role("dialog").get_by_role("button", name="Scale").click()
    expect(instances).to_have_count(3)

    page.get_by_role("button", name="Pause").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("dialog").get_by_role("button", name="Pause").click()
    expect(phase).to_have_text("Paused")
    page.get_by_role("button", name="Resume").click()
    expect(phase).to_have_text("Running")
    page.get_by_role("button", name="Restart").click()
    expect(generation).to_contain_text("5 of 5")

    page.get_by_role("button", name="Roll to…").click()
    page.get_by_role("combobox", name="Version").select_option(f"bad-{space}")
    page.get_by_role("button", name="Show the plan").click()
    done(admin.post(f"{root}/deployments/{id_}/scale", json={"replicas": 2}, headers={"If-Match": "*"}))
    expect(generation).to_contain_text("6 of 6")
    go = page.get_by_role("button", name=f"Roll to bad-{space}")
    go.click()
    expect(page.locator("#plan .error")).to_contain_text("Something has changed meanwhile")
    expect(page.get_by_role("table", name="Settings")).to_contain_text("2 → 3")
    shoot(page, "plan-changed")
    go.click()
    expect(page.locator("#releases")).to_contain_text("automatic rollback")
    expect(page.locator("#releases")).to_contain_text("CrashLoop: it ends at once")
    expect(phase).to_have_text("Running")
    expect(generation).to_contain_text("8 of 8")
    shoot(page, "rolled-back-by-itself")

    page.get_by_role("button", name="Remove").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(page.get_by_role("status")).to_have_text("This deployment is gone.")
    page.goto(f"/w/{space}/deployments")
    expect(page.locator("#deployments .empty")).to_be_visible()


def test_a_log_goes_on_after_a_lost_connection(page: Page, platform: Platform, admin: httpx.Client, space: str) -> None:
    """Each line stands there once, also one that was written while nobody listened."""
    body = {"environment": "staging", "integration": "orders", "tag": "1.0.0"}
    id_ = done(admin.post(f"/workspaces/{space}/deployments", json=body)).json()["id"]
    page.goto(f"/w/{space}/deployments/{id_}")
    lines = page.locator("#log li")
    expect(lines).to_have_count(2)

    before = platform.stage.lines
    platform.stage.lines = [*before, "line 2"]
    platform.stage.breaks.set()
    expect(lines).to_have_count(3)
    assert [each.split()[-2:] for each in lines.all_inner_texts()] == [["line", f"{n}"] for n in range(3)]
    platform.stage.lines = before
