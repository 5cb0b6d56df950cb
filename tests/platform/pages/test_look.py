"""Every page, light and dark, narrow and wide: it fits, can be read, and every control has a name."""

from __future__ import annotations

import os

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from octo_platform.pages.shelf import PAGES
from tests.platform.pages.stage import NARROW, WIDE, Platform, done, fits, signed, watched

pytestmark = pytest.mark.xdist_group("browser")

FAULTS = """() => {
  const seen = each => each.checkVisibility({visibilityProperty: true}) && each.getClientRects().length > 0
  const faults = []
  const named = each => (each.ariaLabel || each.labels?.[0]?.textContent || each.textContent || each.title || "").trim()
  for (const each of document.querySelectorAll("button, a[href], input, select, textarea, summary")) {
    if (!seen(each)) continue
    if (!named(each)) faults.push(`no name: ${each.outerHTML.slice(0, 120)}`)
    const box = each.getBoundingClientRect()
    const isInText = each.matches("a") && !each.matches(".button, nav a, .brand")
    if (!isInText && each.type !== "checkbox" && box.height < 24) faults.push(`${box.height} px: ${named(each)}`)
  }
  const ids = [...document.querySelectorAll("[id]")].map(each => each.id)
  faults.push(...ids.filter((id, n) => ids.indexOf(id) !== n).map(id => `twice: #${id}`))
  if (document.querySelectorAll("h1").length !== 1) faults.push("not one h1")
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", {willReadFrequently: true})
  const channels = color => {
    canvas.clearRect(0, 0, 1, 1)
    canvas.fillStyle = color
    canvas.fillRect(0, 0, 1, 1)
    return [...canvas.getImageData(0, 0, 1, 1).data]
  }
  const light = color => channels(color).slice(0, 3).map(c => c / 255)
    .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, n) => sum + c * [0.2126, 0.7152, 0.0722][n], 0)
  const ground = each => {
    for (let at = each; at; at = at.parentElement) {
      const color = getComputedStyle(at).backgroundColor
      if (channels(color)[3] === 255) return color
    }
    return "Canvas"
  }
  for (const each of document.querySelectorAll("body *")) {
    const own = [...each.childNodes].some(node => node.nodeType === 3 && node.data.trim())
    if (!own || !seen(each) || each.closest("select, .sr, .skip")) continue
    const [a, b] = [light(getComputedStyle(each).color), light(ground(each))]
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)
    if (ratio < 4.5) faults.push(`contrast ${ratio.toFixed(1)}: ${each.textContent.trim().slice(0, 60)}`)
  }
  return faults
}"""


def test_every_page_can_be_read_and_worked_with(
    browser: Browser, platform: Platform, admin: httpx.Client, space: str
) -> None:
    root = f"/workspaces/{space}"
    for slug in ("orders", "orders-2"):
        body = {"environment": "staging", "integration": "orders", "tag": "1.0.0", "slug": slug}
        found = done(admin.post(f"{root}/deployments", json=body)).json()
    done(admin.put(f"{root}/secrets/BANK_TOKEN", json={"value": "x"}))
    done(admin.post("/keys", json={"name": "robot", "scopes": ["integrations.read"]}))
    given = {"workspace": space, "integration": "orders", "deployment": found["id"]}
    with watched(browser, platform, reduced_motion="reduce") as context:
        page = signed(context, platform).new_page()
        for each in PAGES:
            page.goto(each.path.format_map(given))
            expect(page.locator("main")).not_to_have_attribute("aria-busy", "true")
            look(page, each.name)
        page.goto(f"/w/{space}/integrations/orders")
        page.locator("#deploy").click()
        page.get_by_text("More settings").click()
        look(page, "settings")


def look(page: Page, name: str) -> None:
    for width in (NARROW, WIDE):
        page.set_viewport_size({"width": width, "height": 900})
        assert fits(page), f"{name} is wider than {width} pixels"
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme)
            assert page.evaluate(FAULTS) == [], f"{name} at {width} pixels, {theme}"
            if folder := os.environ.get("SCREENSHOTS"):
                page.screenshot(path=f"{folder}/{name}-{theme}-{width}.png", full_page=True)
