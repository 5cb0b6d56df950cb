"""The page of `octo edit` in a real browser: blocks are changed on the canvas, run, and seen at work."""

from __future__ import annotations

import difflib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from tests.acceptance.test_browser import ARGUMENTS, NAMES

ROOT = Path(__file__).parents[2]
PATIENCE = 60_000
"""Milliseconds: the machine may be busy."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    assert found is not None, "no Chromium here; scripts/setup.sh dev installs one"
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found, headless=True, args=[*ARGUMENTS])
        yield browser
        browser.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(ROOT / "samples" / "http-orders.yaml", tmp_path)
    return tmp_path


@pytest.fixture
def page(browser: Browser, folder: Path, free_port) -> Iterator[Page]:
    """The page of the folder. Whatever the browser complains of fails the test: above all its policy."""
    environment = {**os.environ, "HTTP_PORT": str(free_port())}
    command = [sys.executable, "-m", "octo", "edit", str(folder), "--no-browser", "--port", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        said = ""
        while (link := re.search(r"http://\S+#token=\S+", said)) is None:
            line = process.stdout.readline()
            assert line, said
            said += line
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(link[0])
        expect(row(page, "resolve-currency")).to_be_visible(timeout=PATIENCE)
        yield page
        context.close()
        process.terminate()
    # A check that a newer one overtakes, and a save that would lose another one, are refused: that is no fault.
    assert [each for each in complaints if not each.startswith("Failed to load resource")] == []


def row(page: Page, name: str) -> Locator:
    """The row of a block."""
    return page.locator(".canvas [data-key]", has=page.locator(".blk-n", has_text=re.compile(f"^{re.escape(name)}$")))


def rows(page: Page) -> list[str]:
    return page.locator(".canvas .blk-n").all_inner_texts()


def saved(page: Page) -> None:
    page.keyboard.press("Control+s")
    expect(page.get_by_role("button", name="Save")).to_be_disabled(timeout=PATIENCE)


def test_a_block_that_is_added_by_the_keyboard_adds_its_lines_alone(page: Page, folder: Path):
    file = folder / "http-orders.yaml"
    before = file.read_text()
    row(page, "resolve-currency").click()
    page.keyboard.press("a")
    page.keyboard.type("delay")
    page.keyboard.press("Enter")
    expect(row(page, "delay")).to_have_attribute("aria-selected", "true")
    saved(page)

    lines = list(difflib.ndiff(before.splitlines(), file.read_text().splitlines()))
    changed = [at for at, line in enumerate(lines) if line[0] in "+-"]
    assert "+       - type: delay" in [lines[at] for at in changed]
    assert [lines[at][0] for at in range(changed[0], changed[-1] + 1)] == ["+"] * len(changed)

    page.keyboard.press("Control+z")
    expect(row(page, "delay")).to_have_count(0)
    saved(page)
    assert file.read_text() == before


def test_a_block_is_dragged_into_a_lane(page: Page, folder: Path):
    case = page.locator(".case", has=page.locator(".blk-n", has_text="lookup-order"))
    held, target = row(page, "tap-request").bounding_box(), row(page, "lookup-order").bounding_box()
    assert held is not None
    assert target is not None
    page.mouse.move(held["x"] + 60, held["y"] + 10)
    page.mouse.down()
    page.mouse.move(target["x"] + 60, target["y"] - 1, steps=8)
    expect(page.locator(".drop-line")).to_be_visible()
    page.mouse.up()
    expect(case.locator(".blk-n").first).to_have_text("tap-request")

    saved(page)
    text = (folder / "http-orders.yaml").read_text()
    assert text.index("name: tap-request") > text.index('vars.method == "GET"')
    # Its comment has come with it.
    lines = [line.strip() for line in text.splitlines()]
    assert lines[lines.index("name: tap-request") - 2] == "# Wire tap: look at the message without changing it."


def test_what_is_wrong_is_found_from_the_problems(page: Page, folder: Path):
    file = folder / "http-orders.yaml"
    file.write_text(
        file.read_text().replace("type: set-payload\n        name: lookup", "type: set-paylod\n        name: lookup")
    )
    file.write_text(re.sub(r"type: set-payload(\s+name: lookup-order)", r"type: set-paylod\1", file.read_text()))
    page.get_by_role("tab", name="Problems").click()
    problem = page.get_by_role("option", name="no block type")
    expect(problem).to_contain_text("did you mean `set-payload`?", timeout=PATIENCE)
    problem.click()
    expect(row(page, "lookup-order")).to_have_attribute("aria-selected", "true")


def test_a_message_is_seen_on_the_canvas(page: Page):
    page.get_by_role("button", name="Run", exact=False).first.click()
    page.get_by_role("button", name="Compose a request").click(timeout=PATIENCE)
    url = page.get_by_role("textbox", name="URL")
    url.fill(url.input_value().replace("{id}", "42"))
    page.get_by_role("textbox", name="Body").fill('{"itm": "widget"}')
    page.get_by_role("button", name="GET").click()
    page.get_by_role("option", name="POST").click()
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("region", name="Response")).to_contain_text("500", timeout=PATIENCE)
    page.keyboard.press("Escape")

    failed = row(page, "normalize-order")
    expect(failed).to_have_class(re.compile("is-fail"), timeout=PATIENCE)
    expect(failed).to_contain_text("no such key: item")
    expect(row(page, "lookup-order")).to_have_class(re.compile("is-not"))

    page.get_by_role("tab", name="Messages").click()
    row(page, "resolve-currency").click()
    expect(page.get_by_role("region", name="What it did")).to_contain_text('vars.currency "USD"')
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("button", name="Run").first).to_be_visible(timeout=PATIENCE)


def test_canvas_and_text_are_one(page: Page, folder: Path):
    row(page, "resolve-currency").click()
    page.keyboard.press("Control+e")
    line = page.locator(".cm-line.cm-chosen", has_text="name: resolve-currency")
    expect(line).to_be_visible()
    line.click()
    page.keyboard.press("End")
    page.keyboard.type("2")
    expect(row(page, "resolve-currency2")).to_be_visible()
    saved(page)
    assert "name: resolve-currency2\n" in (folder / "http-orders.yaml").read_text()


def test_a_change_from_outside_arrives_and_nobodys_save_is_lost(page: Page, folder: Path):
    file = folder / "http-orders.yaml"
    file.write_text(file.read_text().replace("name: tap-request", "name: tap"))
    expect(row(page, "tap")).to_be_visible(timeout=PATIENCE)

    row(page, "tap").click()
    page.keyboard.press("Control+d")
    expect(row(page, "tap")).to_have_count(2)
    theirs = file.read_text().replace("name: tap\n", "name: theirs\n")
    file.write_text(theirs)
    page.keyboard.press("Control+s")
    expect(page.get_by_role("alertdialog")).to_contain_text("http-orders.yaml", timeout=PATIENCE)
    assert file.read_text() == theirs
