"""The chat sample in a real browser: words stream in, stop and approval work, a restart in between loses nothing.

The model is a server on this machine that speaks the API of OpenAI, word by word as far as the test lets it.
"""

from __future__ import annotations

import json
import shutil
import signal
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.test_browser import NARROW, SAMPLES, WIDE, browser, page, shoot

__all__ = ["browser", "page"]  # fixtures

pytestmark = pytest.mark.xdist_group("browser")
expect.set_options(timeout=60_000)  # ten seconds of them until the place of a killed process is free
SAMPLE = SAMPLES.parent / "ai-agent-sse.yaml"
REAL = """    type: llm-anthropic               # or llm-openai, llm-gemini, llm-openrouter, llm-ollama
    settings: {apiKey: "${LLM_API_KEY}"}"""


class Speaker:
    """A model. words: how many of its answer it may say; None for all."""

    def __init__(self) -> None:
        self.words: threading.Semaphore | None = None
        self.left = threading.Event()

    def reply(self, messages: list[dict[str, Any]]) -> tuple[str, str]:
        """The text and the tool that it answers with."""
        asked = next(str(each["content"]) for each in reversed(messages) if each["role"] == "user")
        called = [call["function"]["name"] for each in messages for call in each.get("tool_calls") or []]
        since = messages[max(at for at, each in enumerate(messages) if each["role"] == "user") :]
        results = [str(each["content"]) for each in since if each["role"] == "tool"]
        if any("refunded" in each for each in results):
            return "Done. The money is on its way.", ""
        if any("authorized" in each for each in results):
            return "It was not allowed, so nothing happened.", ""
        if "refund" in asked:
            return "", "refund" if "lookup" in called else "lookup"
        if "42" in asked and not results:
            return "", "lookup"
        return "Order 42 was delivered and its amount is 62 euros", ""

    def allow(self, words: int) -> None:
        assert self.words is not None
        for _ in range(words):
            self.words.release()


class Handler(BaseHTTPRequestHandler):
    speaker: Speaker

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        text, tool = self.speaker.reply(asked["messages"])
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        try:
            self._speak(text, tool)
        except OSError:
            self.speaker.left.set()

    def _speak(self, text: str, tool: str) -> None:
        if tool:
            call = {
                "index": 0,
                "id": "c1",
                "type": "function",
                "function": {"name": tool, "arguments": '{"order":"42"}'},
            }
            self._event({"tool_calls": [call]})
        for word in text.split(" ") if text else ():
            while self.speaker.words is not None and not self.speaker.words.acquire(timeout=0.05):
                self.wfile.write(b": waiting\n\n")  # fails once nobody listens
                self.wfile.flush()
            self._event({"content": f"{word} "})
        self._event({}, "tool_calls" if tool else "stop")
        self.wfile.write(b"data: [DONE]\n\n")

    def _event(self, delta: dict[str, Any], finish: str | None = None) -> None:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        chunk = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
        self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
        self.wfile.flush()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def speaker() -> Iterator[tuple[Speaker, str]]:
    found = Speaker()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"speaker": found}))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield found, f"http://127.0.0.1:{server.server_address[1]}/v1"
    found.words = None
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def chat(octo, port, tmp_path: Path, speaker):
    """Starts the sample; what is kept of conversations stays in its folder."""
    text = SAMPLE.read_text()
    assert REAL in text
    real = f"    type: llm-openai\n    settings: {{apiKey: sk-test-12345678, baseURL: '{speaker[1]}'}}"
    (tmp_path / "flow.yaml").write_text(text.replace(REAL, real))
    shutil.copytree(SAMPLE.with_suffix(""), tmp_path / "ai-agent-sse")

    def start() -> Any:
        where = str(tmp_path / "store")
        return octo("run", "--config", str(tmp_path / "flow.yaml"), "--storage-dir", where, HTTP_PORT=str(port))

    return start, f"http://127.0.0.1:{port}/"


@pytest.fixture
def lonely(browser) -> Iterator[Page]:
    """A page whose server may be away."""
    context = browser.new_context(viewport={"width": WIDE, "height": 900})
    yield context.new_page()
    context.close()


def ask(page: Page, text: str) -> None:
    page.fill("#text", text)
    page.click("#send")


def expect_answer(page: Page, text: str) -> None:
    """The last answer is this, and its stream has ended: a server that stops earlier would break it off."""
    expect(page.locator("#talk li.agent").last).to_have_text(text)
    expect(page.locator("#stop")).to_be_hidden()


def said(page: Page) -> list[str]:
    return [each.strip() for each in page.locator("#talk li").all_text_contents()]


def test_words_stream_in_and_stop_ends_them(page, chat, speaker):
    start, address = chat
    start()
    model = speaker[0]
    model.words = threading.Semaphore(0)
    page.goto(address)
    ask(page, "Where is order 42?")
    model.allow(2)
    expect(page.locator("#talk li.agent")).to_have_text("Order 42 ")
    expect(page.locator("#talk li.tool")).to_have_count(2)
    for width in (NARROW, WIDE):
        shoot(page, "chat-streaming", width)
    model.allow(1)
    expect(page.locator("#talk li.agent")).to_have_text("Order 42 was ")

    page.click("#stop")
    expect(page.locator("#state")).to_have_text("stopped")
    expect(page.locator("#stop")).to_be_hidden()
    assert model.left.wait(30)  # the provider's stream was closed: it is not paid for any more

    model.words = None
    ask(page, "And now?")
    expect_answer(page, "Order 42 was delivered and its amount is 62 euros ")
    expect(page.locator("#talk li.agent")).to_have_count(2)
    page.reload()
    expect(page.locator("#talk li.user")).to_have_count(2)
    assert said(page)[3] == "Order 42 was"


@pytest.mark.parametrize("allow", [True, False])
def test_a_person_decides_about_a_refund(page, chat, allow):
    start, address = chat
    start()
    page.goto(address)
    ask(page, "Please refund order 42")
    expect(page.locator("#talk li.ask")).to_contain_text('Allow refund {"order":"42"}?')
    if allow:
        for width in (NARROW, WIDE):
            shoot(page, "chat-approval", width)
    page.click("button:text('Allow')" if allow else "button:text('Refuse')")
    last = "Done. The money is on its way. " if allow else "It was not allowed, so nothing happened. "
    expect_answer(page, last)
    expect(page.locator("#talk li.ask")).to_have_count(0)
    done = [each for each in said(page) if "refunded" in each]
    assert done == (['→ {"refunded":"42","times":1}'] if allow else [])


def test_a_restart_while_it_waits_loses_nothing(lonely, chat):
    """The process is killed; the page stays open, and its button works once there is a server again."""
    page = lonely
    start, address = chat
    process = start()
    page.goto(address)
    ask(page, "Please refund order 42")
    expect(page.locator("#talk li.ask")).to_be_visible()
    process.stop(signal.SIGKILL)
    expect(page.locator("#state")).to_have_text("the connection was lost; nothing that was said is")
    shoot(page, "chat-lost", WIDE)

    start()
    page.click("button:text('Allow')")
    expect_answer(page, "Done. The money is on its way. ")
    assert [each for each in said(page) if "refunded" in each] == ['→ {"refunded":"42","times":1}']
    shoot(page, "chat-restarted", WIDE)


def test_a_page_that_is_opened_again_shows_what_waits(page, chat):
    start, address = chat
    start()
    page.goto(address)
    ask(page, "Please refund order 42")
    expect(page.locator("#talk li.ask")).to_be_visible()
    page.reload()
    expect(page.locator("#talk li.ask")).to_be_visible()
    page.click("button:text('Allow')")
    expect_answer(page, "Done. The money is on its way. ")
    assert [each for each in said(page) if "refunded" in each] == ['→ {"refunded":"42","times":1}']
