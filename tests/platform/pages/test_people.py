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
        password(bo)


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
        waiting = done(
            client.post("/device", json={"client": "octo on laptop", "scopes": ["users.read", "logs.read"]})
        ).json()
    page.goto(waiting["verification_uri_complete"])
    page.get_by_role("button", name="Look").click()
    expect(page.locator("#approve")).to_contain_text("octo on laptop")
    expect(page.locator("#may")).to_have_text("It will act in your name, with no more than this: logs.read")
    shoot(page, "device")
    page.get_by_role("button", name="Let it in").click()
    expect(page.locator("#approve")).to_contain_text("The program is let in")
    with platform.client() as client:
        answer = done(client.post("/device/token", json={"device_code": waiting["device_code"]}))
    assert answer.json()["key"].startswith("octo_")


def test_what_a_program_asks_for_is_said_before_it_is_let_in(page: Page, browser: Browser, platform: Platform) -> None:
    def shown(page: Page, scopes: object) -> str:
        with platform.client() as client:
            waiting = done(client.post("/device", json={"client": "octo", "scopes": scopes})).json()
        page.goto(waiting["verification_uri_complete"])
        page.get_by_role("button", name="Look").click()
        expect(page.locator("#may")).not_to_be_empty()
        return page.locator("#may").inner_text()

    assert shown(page, "all") == "It will act in your name, with all that you may."
    assert "deployments.write" in shown(page, "deploy")
    with platform.sign_in() as admin:
        done(admin.post("/users", json={"email": "no-rights@example.org", "password": PASSWORD}))
    with watched(browser, platform) as context:
        nobody = signed(context, platform, "no-rights@example.org").new_page()
        assert shown(nobody, ["users.read"]) == "It asks for nothing that you may yourself."
        expect(nobody.get_by_role("button", name="Let it in")).to_be_disabled()


def password(page: Page) -> None:
    """Another password ends the key that the program got; the box ends all others, too."""
    page.goto("/keys")
    program = page.get_by_role("row").filter(has_text="octo on laptop")
    expect(program).to_contain_text("let in by a code")
    change = page.locator("#password")
    change.get_by_label("The present one").fill(PASSWORD)
    change.get_by_label("Another").fill(f"{PASSWORD} 2")
    change.get_by_role("button", name="Change password").click()
    expect(page.get_by_role("status").first).to_contain_text("Your password is another one.")
    expect(program).to_contain_text("revoked")
    page.locator("#make").get_by_label("Name").fill("left")
    page.get_by_role("button", name="Make key").click()
    left = page.get_by_role("row").filter(has_text="left")
    expect(left.get_by_role("button")).to_be_visible()
    change.get_by_label("The present one").fill(f"{PASSWORD} 2")
    change.get_by_label("Another").fill(PASSWORD)
    change.get_by_label("Revoke all API keys, too").check()
    change.get_by_role("button", name="Change password").click()
    expect(left).to_contain_text("revoked")
