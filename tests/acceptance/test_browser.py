"""Pages in a real browser: server-sent events as an `EventSource` gets them, and the page of an OpenAPI document.

The browser is the system's Chromium (`scripts/setup.sh dev` installs it). Without one these tests are skipped, and fail
where CI runs them.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

SAMPLES = Path(__file__).parents[2] / "samples" / "first-week"
NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
NARROW, WIDE = 390, 1400

pytestmark = pytest.mark.xdist_group("browser")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for all tests of this file."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        why = f"no browser: none of {', '.join(NAMES)} is installed; `scripts/setup.sh dev` does it where apt-get may"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(why)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found, headless=True, args=[*ARGUMENTS])
        yield browser
        browser.close()


@pytest.fixture
def page(browser) -> Iterator[Page]:
    """A page that fails the test if it has an error, asks anybody but this machine, or breaks its own policy."""
    said: list[str] = []
    context = browser.new_context(viewport={"width": WIDE, "height": 900})
    page = context.new_page()
    page.set_default_timeout(30_000)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("console", lambda line: said.append(f"{line.text} {line.location}") if _is_bad(line) else None)
    page.on("request", lambda asked: None if "//127.0.0.1" in asked.url else said.append(asked.url))
    yield page
    context.close()
    assert said == []


def _is_bad(line: ConsoleMessage) -> bool:
    return line.type == "error" and "favicon" not in str(line.location)  # which nobody has


@contextlib.contextmanager
def serving(octo, port, text, tmp_path):
    path = tmp_path / "flow.yaml"
    path.write_text(text)
    process = octo("run", "--config", str(path), HTTP_PORT=str(port), HTTP_HOST="127.0.0.1")
    yield process, f"http://127.0.0.1:{port}"
    if process.process.poll() is None:
        assert process.stop() == 0


@pytest.fixture
def sample(octo, port, tmp_path):
    """Runs a sample; the address of its server."""
    with contextlib.ExitStack() as stack:
        yield lambda name: stack.enter_context(serving(octo, port, (SAMPLES / f"{name}.yaml").read_text(), tmp_path))[1]


def fits(page: Page) -> bool:
    """Whether nothing has to be scrolled sideways."""
    return page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def shoot(page: Page, name: str, width: int) -> None:
    """Keep a picture for people who look, where `SCREENSHOTS` says."""
    page.set_viewport_size({"width": width, "height": 900})
    assert fits(page), f"{name} is wider than {width} pixels"
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=f"{folder}/{name}-{width}.png", full_page=True)


# --- server-sent events ------------------------------------------------------------------------------------------


def test_a_page_shows_events_as_they_come(page, sample):
    """The sample: a line for each event, and no second round after the last one."""
    page.goto(sample("server-sent-events") + "/?count=4")
    page.wait_for_function("document.getElementById('end').textContent === 'done'")
    assert page.locator("li").all_text_contents() == [f"step {n} of 4" for n in range(1, 5)]
    for width in (NARROW, WIDE):
        shoot(page, "server-sent-events", width)


AGAIN = """
flows:
  - name: prices
    source:
      type: http
      settings: {path: /prices, headers: [Last-Event-ID], sse: {enabled: true}}
    process:
      - type: set-variable
        settings: {name: seen, value: 'vars["Last-Event-ID"] == "" ? 0 : int(vars["Last-Event-ID"])'}
      - {type: sse-event, id: vars.seen + 1, data: '"a\\nb " + string(vars.seen + 1)', retry: 50ms}
  - name: fails
    source: {type: http, settings: {path: /fails, sse: {enabled: true}}}
    process:
      - {type: sse-event, event: begun}
      - {type: set-payload, value: 'body.nothing'}
  - name: refused
    source: {type: http, settings: {path: /refused, sse: {enabled: true}}}
    process: [{type: set-variable, settings: {name: httpStatus, value: 204}}]
  - name: page
    source: {type: http, settings: {path: "/{$}"}}
    process: [{type: set-payload, rawBody: true, contentType: text/html, value: '"<!doctype html><title>x</title>"'}]
"""


def test_a_browser_comes_again_and_says_what_it_has_seen(page, octo, port, tmp_path):
    """Three streams, each with one event; the text of two lines arrives as it was."""
    with serving(octo, port, AGAIN, tmp_path) as (_, url):
        page.goto(url)
        seen = page.evaluate(
            """() => new Promise(done => {
              const seen = [], source = new EventSource("/prices")
              source.onmessage = event => {
                seen.push([event.lastEventId, event.data])
                if (seen.length === 3) { source.close(); done(seen) }
              }
            })"""
        )
        assert seen == [["1", "a\nb 1"], ["2", "a\nb 2"], ["3", "a\nb 3"]]


def test_a_failure_is_an_event_and_204_is_the_end(page, octo, port, tmp_path):
    with serving(octo, port, AGAIN, tmp_path) as (_, url):
        page.goto(url)
        told = page.evaluate(
            """() => new Promise(done => {
              const source = new EventSource("/fails")
              source.addEventListener("error", event => { if (event.data) { source.close(); done(event.data) } })
            })"""
        )
        assert "internal server error" in told
        assert "nothing" not in told
        state = page.evaluate(
            """() => new Promise(done => {
              const source = new EventSource("/refused")
              source.onerror = () => done(source.readyState)
            })"""
        )
        assert state == 2, "closed for good: 204 tells a browser not to come again"


def test_a_stop_ends_open_streams_in_order(page, octo, port, tmp_path):
    """The browser gets the end of the stream and not a broken connection."""
    text = AGAIN.replace("{enabled: true}", "{enabled: true, closeOnComplete: false}", 1)
    with serving(octo, port, text, tmp_path) as (process, url):
        page.goto(url)
        page.evaluate(
            """() => new Promise(async begun => {
              const reader = (await fetch("/prices")).body.getReader()
              await reader.read()
              window.ended = (async () => { while (!(await reader.read()).done); return "ended" })()
              begun()
            })"""
        )
        with ThreadPoolExecutor(1) as pool:
            stopping = pool.submit(process.stop)
            assert page.evaluate("window.ended") == "ended"
            assert stopping.result() == 0


# --- the page of the API -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_of_the_api(page, sample, scheme):
    """Every operation can be opened, with what it takes and answers; it fits a telephone and a large screen."""
    page.emulate_media(color_scheme=scheme)
    answer = page.goto(sample("openapi") + "/docs")
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert page.locator("h1").text_content() == "orders"
    assert page.locator("summary code").all_text_contents() == ["/orders", "/orders/{id}"]
    assert page.evaluate("getComputedStyle(document.body).margin") == "0px", "the policy lets the style in"
    for each in page.locator("summary").all():
        each.focus()
        page.keyboard.press("Enter")
    assert page.locator("td code", has_text="items[].qty").is_visible()
    assert page.locator("td", has_text="422").is_visible()
    for width in (NARROW, WIDE):
        shoot(page, f"openapi-{scheme}", width)
    page.locator("a", has_text="OpenAPI").click()
    page.wait_for_url("**/openapi.json")
