"""Fixtures: a platform that is set up, a browser, and a page of somebody who is signed in."""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.platform.pages.stage import EMAIL, PASSWORD, Platform, done, interrupted, signed, watched

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
_numbers = count(1)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: Any) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A browser drops what it loads when an interface comes or goes, as those of pods: a failure then says nothing."""
    report = yield
    if report.failed and interrupted.is_set() and not os.environ.get("CI"):
        report.outcome = "skipped"
        why = "NOT TESTED: the network of this machine has changed meanwhile, so the browser dropped its connections"
        report.longrepr = (str(item.path), 0, f"Skipped: {why}")
    if call.when == "teardown":
        interrupted.clear()
    return report


@pytest.fixture
def fresh(tmp_path: Path, port: int) -> Iterator[Platform]:
    """A platform that nobody has set up yet."""
    with Platform(tmp_path / "platform", port) as found:
        yield found


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory, free_port: Any) -> Iterator[Platform]:
    """A platform that is set up, and that tests share: each has workspaces of its own."""
    with Platform(tmp_path_factory.mktemp("platform"), free_port()) as found:
        with found.client() as client:
            body = {"token": found.token, "email": EMAIL, "name": "Ada", "password": PASSWORD}
            done(client.post("/setup", json=body))
        yield found


@pytest.fixture
def admin(platform: Platform) -> Iterator[httpx.Client]:
    """The API as somebody who may do everything."""
    with platform.sign_in() as client:
        yield client


@pytest.fixture
def space(admin: httpx.Client) -> str:
    """The name of a workspace with the environment `staging` and the integration `orders`, version 1.0.0."""
    name = f"shop-{next(_numbers)}"
    done(admin.post("/workspaces", json={"name": name}))
    done(admin.post(f"/workspaces/{name}/environments", json={"name": "staging"}))
    done(admin.post(f"/workspaces/{name}/integrations", json={"name": "orders"}))
    done(admin.post(f"/workspaces/{name}/integrations/orders/versions", json={"tag": "1.0.0"}))
    return name


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser for the tests of a file. Without one they are skipped, and fail where CI runs them.

    The driver has an event loop that runs in this thread for as long: no test that is async may come between.
    """
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        why = f"no browser: none of {', '.join(NAMES)} is installed; `scripts/setup.sh dev` does it where apt-get may"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(why)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found, headless=True, args=[*ARGUMENTS])
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, platform: Platform) -> Iterator[Page]:
    """A page of somebody who may do everything."""
    with watched(browser, platform) as context:
        yield signed(context, platform).new_page()
