"""A process that runs flows is a member of its cluster, and runs them just as well if it cannot be."""

from __future__ import annotations

import asyncio
import os

import pytest

from octo.cli import membership as module
from octo.cli.membership import membership
from octo.config.load import parse
from octo.services.container import Services
from octo.services.members import members
from octo.services.places import openers
from octo.testing.clock import virtual


class Running:
    """A service that runs a configuration."""

    phase = "running"

    def __init__(self, plugins):
        self.current = self
        self.config = parse("flows: [{name: a, process: []}]", plugins, {})._replace(name="shop", version="abc")


async def listed(url):
    async with Services(openers(url)) as services:
        await services.open(["key-value"])
        return await members(services.opened["key-value"])


@virtual()
async def test_it_says_who_it_is(plugins, tmp_path):
    url = f"sqlite:{tmp_path}/octo.db"
    async with (
        Services(openers(url)) as services,
        membership(services, Running(plugins), 2, "127.0.0.1:39999", is_asked=True),
    ):
        await asyncio.sleep(5)
        (found,) = await listed(url)
    told = {name: found[name] for name in ("pid", "process", "admin", "service", "config", "flows", "phase", "leads")}
    assert told == {
        "pid": os.getpid(),
        "process": 2,
        "admin": "127.0.0.1:39999",
        "service": "shop",
        "config": "abc",
        "flows": 1,
        "phase": "running",
        "leads": {},
    }
    assert await listed(url) == []


@pytest.mark.parametrize(("url", "is_asked"), [("memory:", True), ("sqlite:{}/octo.db", False)])
@virtual()
async def test_nothing_is_opened_for_it_alone(plugins, tmp_path, url, is_asked):
    """Neither in memory nor in the default file, which would be made for it."""
    async with (
        Services(openers(url.format(tmp_path))) as services,
        membership(services, Running(plugins), 0, "", is_asked=is_asked),
    ):
        await asyncio.sleep(30)
    assert [*tmp_path.iterdir()] == []


@virtual()
async def test_services_that_flows_use_anyway_have_it(plugins, tmp_path):
    url = f"sqlite:{tmp_path}/octo.db"
    async with Services(openers(url)) as services:
        await services.open(["queues"])
        async with membership(services, Running(plugins), 0, "", is_asked=False):
            await asyncio.sleep(5)
            assert len(await listed(url)) == 1


@virtual()
async def test_services_that_do_not_open_disturb_nothing(plugins, tmp_path, caplog):
    """It is in the log, once, and tried again."""
    (tmp_path / "file").write_text("")
    async with (
        Services(openers(f"sqlite:{tmp_path}/file/octo.db")) as services,
        membership(services, Running(plugins), 0, "", is_asked=True),
    ):
        await asyncio.sleep(100)
        (tmp_path / "file").unlink()
        await asyncio.sleep(2 * module._PAUSE)
    assert [each.message for each in caplog.records] == ["this process is not listed as a member"]
    assert (tmp_path / "file" / "octo.db").exists()
