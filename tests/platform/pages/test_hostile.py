"""Whatever data says, it stays text: no name, file, log line or reason becomes a part of a page."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.platform.pages.stage import Platform, done

pytestmark = pytest.mark.xdist_group("browser")

MARK = """<img src=x onerror="hacked=1"><script>hacked=1</script>&lt;b&gt;'"`${1}"""
LINK = "javascript:hacked=1"


@pytest.fixture
def stage(platform: Platform) -> Iterator[None]:
    platform.stage.lines, platform.stage.reason, platform.stage.url = [MARK], MARK, LINK
    platform.stage.bad = {"bad"}
    yield
    platform.stage.lines, platform.stage.reason, platform.stage.url = ["line 0", "line 1"], "it ends at once", None
    platform.stage.bad = set()


@pytest.fixture
def orders(admin: httpx.Client, space: str) -> str:
    """The id of a deployment that fails, in a workspace where everything is called by markup that may be."""
    root = f"/workspaces/{space}"
    done(admin.patch(root, json={"title": MARK}, headers={"If-Match": "*"}))
    folder = done(admin.post(f"{root}/folders", json={"name": MARK})).json()["id"]
    change = {"title": MARK, "folder": folder}
    done(admin.patch(f"{root}/integrations/orders", json=change, headers={"If-Match": "*"}))
    file = {"Content-Type": "application/octet-stream", "If-None-Match": "*"}
    done(admin.put(f"{root}/integrations/orders/files/page.html", content=MARK + "</textarea>" + MARK, headers=file))
    done(admin.post(f"{root}/integrations/orders/versions", json={"tag": "bad", "note": MARK}))
    body = {"environment": "staging", "integration": "orders", "tag": "bad", "settings": {"variables": {"A": MARK}}}
    id_: str = done(admin.post(f"{root}/deployments", json=body)).json()["id"]
    done(admin.post("/users", json={"email": f"{space}@b.c", "name": MARK, "password": "correct horse battery"}))
    done(admin.put(f"{root}/members/{space}@b.c", json={"role": "viewer"}))
    done(admin.post("/keys", json={"name": MARK, "scopes": "all"}))
    return id_


@pytest.mark.usefixtures("stage")
def test_markup_stays_text(page: Page, platform: Platform, space: str, orders: str) -> None:
    """Every page, with markup in everything that it shows."""
    with platform.client() as client:
        code = done(client.post("/device", json={"client": MARK[:100]})).json()["user_code"]
    shown = {
        "/": "#spaces",
        f"/w/{space}": "#integrations",
        f"/w/{space}/deployments": "#deployments",
        f"/w/{space}/integrations/orders": "#versions",
        f"/w/{space}/deployments/{orders}": "#reasons",
        f"/w/{space}/members": "#members",
        "/users": "#users",
        "/keys": "#keys",
        "/audit": "#entries",
        f"/w/{space}/integrations/{quote('<img src=x onerror=hacked=1>', safe='')}": "#said",
    }
    for path, where in shown.items():
        page.goto(path)
        expect(page.locator(where)).to_contain_text("onerror=")
        assert_is_text(page)

    page.goto(f"/w/{space}/integrations/orders")
    page.get_by_role("button", name="page.html").click()
    expect(page.get_by_label("Content", exact=True)).to_have_value(MARK + "</textarea>" + MARK)
    assert_is_text(page)
    page.locator("#deploy").click()
    page.get_by_role("button", name="Add a variable").click()
    page.get_by_label("Name", exact=True).last.fill("B")
    page.goto(f"/w/{space}/deployments/{orders}")
    expect(page.get_by_role("log")).to_contain_text("onerror=")
    page.get_by_role("button", name="Roll to…").click()
    page.get_by_role("combobox", name="Version").select_option("1.0.0")
    page.get_by_role("button", name="Remove this row").first.click()
    page.get_by_role("button", name="Show the plan").click()
    expect(page.get_by_role("table", name="Variables")).to_contain_text("onerror=")
    assert_is_text(page)
    page.goto(f"/device?code={code}")
    page.get_by_role("button", name="Look").click()
    expect(page.locator("#client")).to_have_text(MARK[:100])
    assert_is_text(page)


def assert_is_text(page: Page) -> None:
    assert page.evaluate("typeof hacked") == "undefined"
    assert page.locator("img, main script").count() == 0
    assert page.locator("a[href^='javascript']").count() == 0
