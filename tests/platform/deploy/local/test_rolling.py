"""A change of version: nobody who calls notices it, and one that fails changes nothing."""

from __future__ import annotations

import asyncio
import http.client
import json
import threading
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from octo_platform.deploy.local import crew, recipe
from tests.platform.deploy.local.scene import FLOW, call, has, runs, until


class Load:
    """Clients that keep their connections, each in a thread, and never try a request again."""

    def __init__(self, url, path="/", clients=4):
        self.answers = []
        self.failures = []
        self._over = threading.Event()
        self._url, self._path = url, path
        self._threads = [threading.Thread(target=self._run) for _ in range(clients)]

    async def __aenter__(self):
        for each in self._threads:
            each.start()
        return self

    async def __aexit__(self, *_):
        self._over.set()
        for each in self._threads:
            await asyncio.to_thread(each.join)

    def _run(self):
        connection = http.client.HTTPConnection(urlsplit(self._url).netloc, timeout=60)
        while not self._over.is_set():
            try:
                connection.request("GET", self._path)
                answer = connection.getresponse()
                body = answer.read()
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(repr(error))
                connection.close()
                continue
            if answer.status != 200:
                self.failures.append((answer.status, body))
            self.answers.append(json.loads(body))
        connection.close()


async def test_rolling_under_load_fails_no_request(opening, wanted, monkeypatch):
    """With kept connections, and with slow requests under way."""
    monkeypatch.setattr(recipe, "STOP_DELAY", 1.0)  # as it is
    async with opening() as target:
        await target.apply(wanted(1, variables={"WORD": "one"}))
        seen = await until(target, runs(1))
        async with (
            Load(seen.internal_url) as load,
            Load(seen.internal_url, "/slow", clients=2) as slow,
            httpx.AsyncClient() as client,
        ):
            for generation in (2, 3):
                word = {"WORD": f"{generation}"}
                await target.apply(wanted(generation, variables=word))
                rolled = asyncio.ensure_future(until(target, runs(generation)))  # noqa: TID251
                while not rolled.done():
                    assert (await client.get(seen.internal_url)).status_code == 200
                assert (await rolled).internal_url == seen.internal_url

    assert load.failures == []
    assert slow.failures == []
    assert {each["word"] for each in load.answers} == {"one", "2", "3"}


BAD = FLOW.replace("type: set-payload", "type: set-paylod", 1)


async def test_a_version_that_is_wrong_leaves_the_old_one_serving(opening, wanted, tmp_path):
    """What is wrong is told, with its code; to go back needs no new instance."""
    async with opening() as target:
        await target.apply(wanted(1, variables={"WORD": "one"}))
        [before] = (await until(target, runs(1))).instances

        await target.apply(wanted(2, flow=BAD, hash="bad"))
        failed = await until(target, has("failed"))
        assert [each.code for each in failed.reasons] == ["OCTO-C130"]
        assert failed.reasons[0].text.startswith("flow.yaml:")  # as its author calls it
        said = [each.text async for each in target.logs("d1", lines=100, follow=False)]
        assert not any(str(tmp_path) in each for each in said)
        assert "set-paylod" in failed.reasons[0].text
        assert {(each.generation, each.ready) for each in failed.instances} == {(1, True), (2, False)}
        assert (failed.generation, failed.ready) == (2, 1)
        assert (await call(failed))[1]["word"] == "one"

        await target.apply(wanted(3, variables={"WORD": "one"}))
        after = await until(target, runs(3))
        assert [each.name for each in after.instances] == [before.name]
        assert after.reasons == ()


async def test_a_version_that_ends_again_and_again_leaves_the_old_one_serving(opening, wanted):
    broken = {"code.py": b"import os\nos._exit(7)\n"}
    async with opening() as target:
        await target.apply(wanted(1))
        await until(target, runs(1))

        await target.apply(wanted(2, files=broken, hash="broken"))
        failed = await until(target, has("failed"))
        assert failed.reasons[0].code == "CrashLoop"
        assert "exit code 7" in failed.reasons[0].text
        assert (await call(failed))[0] == 200


async def test_a_version_that_is_not_ready_leaves_the_old_one_serving(opening, wanted, monkeypatch):
    """It says what it waits for."""
    never = FLOW.replace("flows:", "  - {name: mq, type: nats, settings: {url: 'nats://127.0.0.1:1'}}\nflows:")
    never = never.replace("[{name: web, type: http}]", "\n  - {name: web, type: http}")
    async with opening() as target:
        await target.apply(wanted(1))
        await until(target, runs(1))
        monkeypatch.setattr(crew, "PATIENCE", 0.0)

        await target.apply(wanted(2, flow=never))
        failed = await until(target, has("failed"))
        assert failed.reasons[0].code == "NotReady"
        assert (await call(failed))[0] == 200


async def test_an_overtaken_change_is_left_out(opening, wanted):
    """The newest generation wins, whatever comes late."""
    async with opening() as target:
        for generation in (1, 3, 2):
            await target.apply(wanted(generation, variables={"WORD": f"{generation}"}))

        assert (await call(await until(target, runs(3))))[1]["word"] == "3"


async def test_another_secret_reaches_the_flows_and_nobody_else(opening, wanted):
    """It is in no argument and no environment of a process, where others could read it."""
    async with opening() as target:
        await target.apply(wanted(1, secrets={"bank": "geheimnis", "WORD": "wort"}, variables={"WORD": "plain"}))
        seen = await until(target, runs(1))
        status, body = await call(seen)
        process = Path("/proc", str((await call(seen, "/code/pid"))[1]))
        assert (status, body["bank"]) == (200, "geheimnis")
        assert b"geheimnis" not in process.joinpath("cmdline").read_bytes()
        assert b"geheimnis" not in process.joinpath("environ").read_bytes()

        await target.apply(wanted(2, secrets={"bank": "verraten"}))
        assert (await call(await until(target, runs(2))))[1]["bank"] == "verraten"


async def test_restart_replaces_the_instances_and_serves_meanwhile(opening, wanted):
    async with opening() as target:
        await target.apply(wanted(1))
        [before] = (await until(target, runs(1))).instances
        await target.apply(wanted(2, restart="2026-11-30"))
        [after] = (await until(target, runs(2))).instances

        assert before.name != after.name


WAITING = b"""
import asyncio
from pathlib import Path


async def wait():
    while not Path("go").exists():
        await asyncio.sleep(0.01)
"""


JOURNALLED = """
connectors: [{name: web, type: http}]
flows:
  - name: accept
    source: {connector: web, type: http, settings: {path: /}}
    process: [{type: flow-ref, flow: ship, oneWay: true}]
  - name: ship
    durability: journal
    process: [{type: python, call: "waiting:wait"}, {type: log, message: '"shipped by VERSION"'}]
"""


async def _shipped(target):
    """The line that says which version has shipped."""
    async for line in target.logs("d1", lines=1000, follow=True):
        if "shipped by" in line.text:
            return line
    raise AssertionError


@pytest.mark.parametrize(
    ("way", "drain", "version"),
    [("drain", 0.2, "one"), ("migrate", 600.0, "two")],
    ids=["drained for too short a time", "migrated, with much time to drain"],
)
async def test_journalled_messages_go_on_in_the_version_that_was_chosen(opening, wanted, tmp_path, way, drain, version):
    """Those that the old instance does not finish are gone on with by the new one, in the old files or in its own."""
    async with opening() as target:
        for generation, word in enumerate(("one", "two"), 1):
            flow = JOURNALLED.replace("VERSION", word)
            files = {"waiting.py": WAITING}
            await target.apply(wanted(generation, flow=flow, files=files, drain=drain, in_flight=way))
            seen = await until(target, runs(generation))
            if word == "one":
                await call(seen)
        (tmp_path / "root" / "d1" / "work" / "go").touch()
        [instance] = seen.instances

        line = await _shipped(target)
        assert f"shipped by {version}" in line.text
        assert line.instance == instance.name


async def test_journalled_messages_that_finish_in_time_are_finished_by_their_instance(opening, wanted, tmp_path):
    async with opening() as target:
        files = {"waiting.py": WAITING}
        await target.apply(wanted(1, flow=JOURNALLED.replace("VERSION", "one"), files=files, drain=600.0))
        seen = await until(target, runs(1))
        [first] = seen.instances
        await call(seen)
        await target.apply(wanted(2, flow=JOURNALLED.replace("VERSION", "two"), files=files, drain=600.0))
        await until(target, lambda seen: any(each.phase == "ready" and each.generation == 2 for each in seen.instances))
        (tmp_path / "root" / "d1" / "work" / "go").touch()

        line = await _shipped(target)
        assert ("shipped by one" in line.text, line.instance) == (True, first.name)
        await until(target, runs(2))


async def test_another_choice_alone_replaces_no_instance(opening, wanted):
    async with opening() as target:
        await target.apply(wanted(1))
        [before] = (await until(target, runs(1))).instances
        await target.apply(wanted(2, in_flight="migrate", replicas=2))
        after = (await until(target, runs(2))).instances
        assert before.name in {each.name for each in after}
