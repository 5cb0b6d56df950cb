"""Instances that end, hang or grow, and a platform that is killed."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from octo_platform.deploy.desired import Resources
from octo_platform.deploy.local import child as processes, place
from tests.platform.deploy.local.scene import call, called, has, runs, until


async def test_an_instance_that_is_killed_is_replaced(opening, wanted):
    """Its successor has another name, and says why the last one ended."""
    async with opening() as target:
        await target.apply(wanted(1))
        seen = await until(target, runs(1))
        os.kill((await call(seen, "/code/pid"))[1], signal.SIGKILL)
        await until(target, has("degraded"))
        after = await until(target, runs(1))

        [old], [new] = seen.instances, after.instances
        assert (new.name != old.name, new.restarts, new.reason.code) == (True, 1, "Exited")
        assert "signal 9" in new.reason.text
        assert (await call(after))[0] == 200


async def test_too_much_memory_ends_an_instance(opening, wanted):
    """The limit is that of its resident memory: address space says nothing of a Python process."""
    async with opening() as target:
        await target.apply(wanted(1, resources=Resources(memory=200)))
        seen = await until(target, runs(1))
        with suppress(OSError, http.client.HTTPException):  # it may end before it has answered
            await call(seen, "/code/grow")
        after = await until(target, lambda each: runs(1)(each) and each.instances[0].restarts)

        assert after.instances[0].reason.code == "OutOfMemory"
        assert "200 MiB" in after.reasons[0].text


async def test_an_instance_that_hangs_is_killed_and_shows_what_it_did(opening, wanted, monkeypatch):
    monkeypatch.setattr(processes, "HUNG", 1.0)
    flow = """
connectors: [{name: web, type: http}]
flows:
  - name: hang
    source: {connector: web, type: http, settings: {path: /}}
    process: [{type: python, call: "hanging:hang"}]
"""
    code = b"import time\n\n\nasync def hang():\n    time.sleep(600)\n"
    async with opening() as target:
        await target.apply(wanted(1, flow=flow, files={"hanging.py": code}))
        seen = await until(target, runs(1))
        calling = asyncio.ensure_future(call(seen))  # noqa: TID251
        after = await until(target, lambda each: runs(1)(each) and each.instances[0].restarts)
        await asyncio.wait((calling,))

        assert after.instances[0].reason.code == "Hung"
        told = [line.text async for line in target.logs("d1", lines=100, follow=False)]
        assert any("hanging.py" in each for each in told)
        assert calling.exception() is not None


async def test_a_first_version_that_ends_again_and_again_has_failed(opening, wanted):
    """Whoever calls is refused at once while it waits for its next start."""
    async with opening() as target:
        await target.apply(wanted(1, files={"code.py": b"import os\nos._exit(7)\n"}, hash="broken"))
        failed = await until(target, has("failed"))
        assert (failed.reasons[0].code, failed.ready) == ("CrashLoop", 0)
        while not is_refused(failed.internal_url):  # the first pauses are short
            await asyncio.sleep(0.01)

        await target.apply(wanted(2))
        assert (await call(await until(target, runs(2))))[0] == 200


def is_refused(url):
    try:
        called(url)
    except ConnectionRefusedError:
        return True
    except (OSError, http.client.HTTPException):
        return False
    return False


PLATFORM = """
import asyncio, json, sys
from pathlib import Path
from octo_platform.deploy.desired import Desired
from octo_platform.deploy.local import opened


async def main():
    desired = [Desired.model_validate(each) for each in json.loads(sys.stdin.read())]
    async with opened(Path(sys.argv[1])) as target:
        changes = target.changes()
        for each in desired:
            await target.apply(each)
        async for _ in changes:
            if all([(await target.observe(each.deployment)).phase == "running" for each in desired]):
                break
        for each in desired:
            print((await target.observe(each.deployment)).internal_url, flush=True)
        await asyncio.Event().wait()


asyncio.run(main())
"""


async def test_nothing_is_left_of_a_platform_that_is_killed(opening, wanted, tmp_path):
    """All its instances end by themselves; the next platform runs them again at the same ports."""
    desired = [wanted(1, deployment=each, replicas=2, drain=1.0) for each in ("d1", "d2")]
    given = json.dumps([each.model_dump(mode="json") for each in desired])
    platform = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PLATFORM, str(tmp_path / "root")),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    platform.stdin.write(given.encode())
    platform.stdin.write_eof()
    urls = [(await platform.stdout.readline()).decode().strip() for _ in desired]
    children = descendants(platform.pid)
    assert len(children) == 4

    platform.kill()
    await platform.wait()
    async with opening() as target:
        assert await target.found() == {"d1", "d2"}
        for each in desired:
            await target.apply(each)
        seen = [await until(target, runs(1), each.deployment) for each in desired]
        assert [each.internal_url for each in seen] == urls
        assert [(await call(each))[0] for each in seen] == [200, 200]

    while any(Path(f"/proc/{pid}").exists() for pid in children):
        await asyncio.sleep(0.01)


def descendants(pid):
    """The processes that a process has started."""
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(each) for each in found]


async def test_a_mistake_of_ours_ends_one_instance_and_no_other(opening, wanted, monkeypatch):
    """It has failed, its process is gone, and the next change runs."""
    is_due = place.Place._is_due

    def wrong(one):
        if one.name.startswith("bad"):
            raise RuntimeError("a mistake")
        return is_due(one)

    before = {*descendants(os.getpid())}  # servers of other tests
    async with opening() as target:
        await target.apply(wanted(1, deployment="d2"))
        other = await until(target, runs(1), "d2")
        with monkeypatch.context() as patch:
            patch.setattr(place.Place, "_is_due", wrong)
            await target.apply(wanted(1, slug="bad"))
            failed = await until(target, has("failed"))
            assert failed.reasons[0].code == "Internal"
        await target.apply(wanted(2))
        await until(target, runs(2))

        assert (await call(other))[0] == 200
        assert len({*descendants(os.getpid())} - before) == 2
