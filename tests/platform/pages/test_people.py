"""Users, members, keys, programs that are let in, and who did what."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.platform.pages.stage import PASSWORD, Platform, done, shoot, signed, watched

pytestmark = pytest.mark.xdist_group("browser")


def test_people_and_programs_are_let_in(page: Page, browser: Browser, platform: Platform, space: str) -> None:
    """A user who is made here gets a role, a key that works, lets a program in, and stands in the audit log."""
    email = f"bo-{space}@example.org"
    page.goto("/users")
    add = page.locator("#add")
    add.get_by_label("Email").fill(email)
    add.get_by_label("Name").fill("Bo")
    add.get_by_label("Password").fill(PASSWORD)
    add.get_by_role("button", name="Add user").click()
    expect(page.get_by_role("rowheader", name=email)).to_be_visible()
    page.get_by_role("button", name=f"Change {email}").click()
    page.get_by_role("dialog").get_by_label("Name").fill("Bo B.")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("cell", name="Bo B.")).to_be_visible()
    shoot(page, "users")
    page.goto(f"/w/{space}/members")
    page.get_by_label("Email or id").fill(email)
    page.get_by_role("combobox", name="Role").select_option("operator")
    page.get_by_role("button", name="Give role").click()
    expect(page.get_by_role("rowheader", name=email)).to_be_visible()
    shoot(page, "members")
    page.goto(f"/w/{space}/audit")
    expect(page.locator("#entries")).to_contain_text("members.write")
    shoot(page, "audit")
    with watched(browser, platform) as context:
        bo = signed(context, platform, email).new_page()
        key(bo, platform, space)
        program(bo, platform)


def key(page: Page, platform: Platform, space: str) -> None:
    page.goto("/keys")
    make = page.locator("#make")
    make.get_by_label("Name").fill("robot")
    make.get_by_role("combobox", name="May").select_option("read")
    make.get_by_role("combobox", name="Reaches").select_option(space)
    make.get_by_role("button", name="Make key").click()
    shown = page.get_by_label("The key robot.")
    expect(shown).to_have_value(re.compile("^octo_"))
    shoot(page, "keys")
    header = {"Authorization": f"Bearer {shown.input_value()}"}
    with platform.client() as robot:
        assert done(robot.get(f"/workspaces/{space}/integrations", headers=header)).json()["items"]
        new = robot.post(f"/workspaces/{space}/integrations", json={"name": "x"}, headers=header)
        assert new.json()["code"] == "not-allowed"
    page.reload()
    expect(page.get_by_role("rowheader", name="robot")).to_be_visible()
    assert "octo_" in page.content()  # how it begins
    expect(page.locator("#made")).to_be_empty()
    page.get_by_role("button", name="Revoke robot").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("revoked")).to_be_visible()
    with platform.client() as robot:
        assert robot.get("/session", headers=header).status_code == 401


def program(page: Page, platform: Platform) -> None:
    with platform.client() as client:
        waiting = done(client.post("/device", json={"client": "octo on laptop"})).json()
    page.goto(waiting["verification_uri_complete"])
    page.get_by_role("button", name="Look").click()
    expect(page.locator("#approve")).to_contain_text("octo on laptop")
    shoot(page, "device")
    page.get_by_role("button", name="Let it in").click()
    expect(page.locator("#approve")).to_contain_text("The program is let in")
    with platform.client() as client:
        answer = done(client.post("/device/token", json={"device_code": waiting["device_code"]}))
    assert answer.json()["key"].startswith("octo_")
