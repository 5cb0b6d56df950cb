"""Pages stay usable where there is very much."""

from __future__ import annotations

import httpx
import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import insert, select

from octo_platform.installation import Installation
from octo_platform.storage.tables import Integration, Workspace
from tests.platform.pages.stage import Platform, done, shoot

pytestmark = pytest.mark.xdist_group("browser")


def test_ten_thousand_integrations_come_in_parts(
    page: Page, platform: Platform, admin: httpx.Client, space: str
) -> None:
    """Fifty at a time, found by a part of the name, or by their folder."""
    folder = done(admin.post(f"/workspaces/{space}/folders", json={"name": "eu"})).json()["id"]

    async def fill(installation: Installation) -> None:
        async with installation.database.write() as session:
            id_ = await session.scalar(select(Workspace.id).where(Workspace.name == space))
            rows = [
                {"workspace_id": id_, "name": f"flow-{n:05}", "folder_id": folder if n % 1000 == 7 else None}
                for n in range(10_000)
            ]
            await session.execute(insert(Integration), rows)

    platform.run(fill)
    page.goto(f"/w/{space}")
    rows = page.locator("#integrations tbody tr")
    expect(page.locator("#tiles")).to_contain_text("10,001")
    expect(rows).to_have_count(50)
    page.locator("#integrations").get_by_role("button", name="Show more").click()
    expect(rows).to_have_count(100)
    expect(page.locator("#integrations")).to_contain_text("100 shown, there are more")
    shoot(page, "workspace")
    page.get_by_role("searchbox").fill("flow-0123")
    expect(rows).to_have_count(10)
    expect(page).to_have_url(f"{platform.url}/w/{space}?q=flow-0123")
    page.get_by_role("searchbox").fill("")
    page.get_by_role("combobox", name="Folder").first.select_option(label="eu")
    expect(rows).to_have_count(10)
    page.reload()
    expect(page.get_by_role("combobox", name="Folder").first).to_have_value(folder)
    expect(rows).to_have_count(10)
    page.get_by_role("searchbox").fill("nothing like it")
    expect(page.locator("#integrations .empty")).to_be_visible()
