"""A platform that listens on a real port, and what tests of its pages do with it and with a browser."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx
import uvicorn
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect

from octo_platform.api.app import create_app
from octo_platform.api.serving import installed
from octo_platform.deploy.target import Answer, LogLine, Observed, Reason, Unreachable
from octo_platform.deployments.reconciler import Reconciler
from octo_platform.installation import Installation
from octo_platform.options import Options
from tests.platform.pretence import Pretence

NARROW, WIDE = 390, 1400
EMAIL, PASSWORD = "ada@example.org", "correct horse battery"
PATIENCE = 20_000
"""Milliseconds that a page has for anything, on a machine that has much to do."""

expect.set_options(timeout=PATIENCE)
interrupted = threading.Event()
"""Set when the browser has dropped its connections since a network interface of this machine came or went."""


@dataclass
class Stage(Pretence):
    """A pretence whose log stays open, and that of what is gone tells nothing, as real targets do.

    lines: of the log. reason: of what fails. url: of what runs. breaks: once set, a log that is followed breaks off.
    """

    lines: list[str] = field(default_factory=lambda: ["line 0", "line 1"])
    reason: str = "it ends at once"
    url: str | None = None
    breaks: threading.Event = field(default_factory=threading.Event)

    async def logs(self, deployment: str, *, lines: int, follow: bool) -> AsyncIterator[LogLine]:
        if deployment not in self.desired:
            return
        for each in self.lines[-lines:]:
            yield LogLine(None, f"{self.desired[deployment].slug}-0", each)
        while follow:
            await asyncio.sleep(0.01)
            if self.breaks.is_set():
                self.breaks.clear()
                raise Unreachable("nobody answers")

    async def ask(self, deployment: str, path: str, limit: int) -> list[Answer]:
        return await super().ask(deployment, path, limit) if deployment in self.desired else []

    async def observe(self, deployment: str) -> Observed:
        seen = await super().observe(deployment)
        if seen.phase == "failed":
            return seen.model_copy(update={"reasons": (Reason(code="CrashLoop", text=self.reason),)})
        return seen.model_copy(update={"internal_url": self.url}) if self.url else seen


class Platform:
    """The platform in a thread of its own, since the browser is driven by one that waits. token: for setting it up."""

    def __init__(self, folder: Path, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.stage = Stage()
        self.token = ""
        self._options = Options(folder=folder, port=port)
        self._ready: Future[tuple[Installation, asyncio.AbstractEventLoop]] = Future()
        self._server: uvicorn.Server | None = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.result(60)
        return self

    def __exit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.should_exit = True
        self._thread.join(30)
        assert not self._thread.is_alive()

    async def _serve(self) -> None:
        try:
            async with installed(self._options, {"local": self.stage.opened}) as installation:
                self.token = await installation.identity.setup_token() or ""
                async with asyncio.TaskGroup() as group:
                    reconciling = group.create_task(Reconciler(installation).run())
                    await self._listen(installation)
                    reconciling.cancel()
        except BaseException as error:
            if not self._ready.done():
                self._ready.set_exception(error)
            raise

    async def _listen(self, installation: Installation) -> None:
        config = uvicorn.Config(
            create_app(installation),
            port=self._options.port,
            log_config=None,
            lifespan="off",
            timeout_graceful_shutdown=1,
        )
        loop = asyncio.get_running_loop()
        server = self._server = _Told(config, lambda: self._ready.set_result((installation, loop)))
        await server.serve()

    def run(self, work: Any) -> Any:
        """Do in its thread what the API has no verb for. work: a coroutine function that takes the installation."""
        installation, loop = self._ready.result()
        return asyncio.run_coroutine_threadsafe(work(installation), loop).result(60)

    def client(self) -> httpx.Client:
        """The API, for what a test needs and does not look at."""
        return httpx.Client(base_url=f"{self.url}/api/v1", headers={"Origin": self.url}, timeout=30)

    @contextlib.contextmanager
    def sign_in(self, email: str = EMAIL) -> Iterator[httpx.Client]:
        with self.client() as client:
            done(client.post("/session", json={"email": email, "password": PASSWORD}))
            yield client


class _Told(uvicorn.Server):
    """Says when it listens."""

    def __init__(self, config: uvicorn.Config, ready: Any) -> None:
        super().__init__(config)
        self._tell = ready

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        self._tell()


def done(response: httpx.Response) -> httpx.Response:
    """What was asked for, which must have been done."""
    assert response.is_success, response.text
    return response


EXPECTED = tuple(f"status of {each}" for each in (401, 403, 404, 409, 412, 422))
"""A browser writes each refusal of the API into its console; the pages show them."""


@contextlib.contextmanager
def watched(browser: Browser, platform: Platform, **how: Any) -> Iterator[BrowserContext]:
    """A profile whose pages fail the test if they err, break their policy, or ask another host."""
    said: list[str] = []

    def hear(line: ConsoleMessage) -> None:
        if "ERR_NETWORK_CHANGED" in line.text:
            interrupted.set()
        if line.type in ("error", "warning") and not any(each in line.text for each in EXPECTED):
            said.append(f"{line.text} {line.location}")

    made = browser.new_context(viewport={"width": WIDE, "height": 900}, base_url=platform.url, **how)
    made.set_default_timeout(PATIENCE)
    made.on("weberror", lambda error: said.append(str(error.error)))
    made.on("console", hear)
    made.on("request", lambda asked: None if asked.url.startswith(platform.url) else said.append(asked.url))
    try:
        yield made
    finally:
        made.close()
    assert said == []


def signed(context: BrowserContext, platform: Platform, email: str = EMAIL) -> BrowserContext:
    """The profile, after somebody has signed in with it."""
    with platform.sign_in(email) as client:
        cookies = [{"name": each.name, "value": each.value or "", "url": platform.url} for each in client.cookies.jar]
    context.add_cookies(cookies)  # type: ignore[arg-type]
    return context


def fits(page: Page) -> bool:
    """Whether nothing has to be scrolled sideways."""
    fitting: bool = page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    return fitting


def shoot(page: Page, name: str) -> None:
    """Look at a page narrow and wide; keep pictures for people who look where `SCREENSHOTS` says."""
    for width in (NARROW, WIDE):
        page.set_viewport_size({"width": width, "height": 900})
        assert fits(page), f"{name} is wider than {width} pixels"
        if folder := os.environ.get("SCREENSHOTS"):
            page.screenshot(path=f"{folder}/{name}-{width}.png", full_page=True)
