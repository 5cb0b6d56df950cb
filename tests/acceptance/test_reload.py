"""Edits under load: nothing is lost, bad edits change nothing, a file that is not whole does not run."""

from __future__ import annotations

import asyncio
import time

import aiohttp

FLOW = """
connectors: [{{name: web, type: http, settings: {{host: 127.0.0.1, port: {port}}}}}]
flows:
  - name: hello
    source: {{connector: web, type: http, settings: {{path: /}}}}
    process:
      - type: {block}
        value: '{{"answer": {number}}}'
"""
EDITS = 50
RATE = 200


def text(port, number, block="set-payload"):
    return FLOW.format(port=port, number=number, block=block)


async def load(port, done, seen, failures):
    """Send requests at a fixed rate, each in its own task, until `done`."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(30)) as session, asyncio.TaskGroup() as group:

        async def one():
            try:
                async with session.get(f"http://127.0.0.1:{port}/") as response:
                    seen.add((await response.json())["answer"])
                    if response.status != 200:
                        failures.append(response.status)
            except (aiohttp.ClientError, TimeoutError, KeyError, ValueError) as error:
                failures.append(repr(error))

        while not done.is_set():
            group.create_task(one())
            await asyncio.sleep(1 / RATE)


async def test_50_edits_half_of_them_invalid_fail_no_request(octo, port, tmp_path, save):
    path = tmp_path / "flow.yaml"
    path.write_text(text(port, 0))
    process = octo("run", "--config", str(path), "--watch")
    done, seen, failures = asyncio.Event(), set(), []
    async with asyncio.TaskGroup() as group:
        group.create_task(load(port, done, seen, failures))
        for number in range(1, EDITS + 1):
            bad = number % 2 == 0
            save(path, text(port, number, "set-paylaod" if bad else "set-payload"))
            said, times = ("running flows are unchanged", number // 2) if bad else ("runtime ready", number // 2 + 2)
            await asyncio.to_thread(process.wait_for, said, times)
            if not bad:
                await until_seen(seen, number)
        done.set()

    assert failures == []
    assert process.stop() == 0
    assert seen == {0, *range(1, EDITS + 1, 2)}
    refusals = [line for line in process.lines if "flow.yaml:7:15" in line]
    assert len(refusals) == EDITS // 2
    assert "set-paylaod" in refusals[0]
    assert "set-payload" in process.log


SLOW = """
  - name: second
    source: {connector: web, type: http, settings: {path: /second}}
    process:
      - type: set-payload
        value: '{"answer": 2}'
"""


def in_parts(path, whole):
    """Write the file as a slow editor does: it is empty first, then it has its first half, at last all of it."""
    with path.open("w") as file:
        yield
        half = whole.index("  - name: second")
        for part in (whole[:half], whole[half:]):
            file.write(part)
            file.flush()
            yield


def gone(path):
    path.unlink()
    yield


def a_folder(path):
    path.mkdir()
    yield
    path.rmdir()


def unreadable(path):
    path.write_bytes(b"flows:\0\0\0\xff")
    yield


async def test_a_configuration_that_is_not_there_fails_no_request(octo, port, free_port, http, tmp_path, save):
    """Saved as empty, as a comment, slowly, removed, or replaced by something else: the flows keep running."""
    path = tmp_path / "flow.yaml"
    whole = text(port, 1) + SLOW
    path.write_text(whole)
    admin = free_port()
    process = octo("run", "--config", str(path), "--watch", "--admin-addr", f"127.0.0.1:{admin}")
    done, seen, failures, refusals = asyncio.Event(), set(), [], 0

    async def said(count):
        await asyncio.to_thread(process.wait_for, "running flows are unchanged", count)
        status, told = await asyncio.to_thread(http, f"http://127.0.0.1:{admin}/readyz")
        assert (status, told.splitlines()[0], told.count("the flows from before keep running")) == (200, "ready", 1)

    async with asyncio.TaskGroup() as group:
        group.create_task(load(port, done, seen, failures))
        for content in ("", "# nothing\n", whole.partition("flows:")[0]):
            path.write_text(content)
            refusals += 1
            await said(refusals)
        for happens in (gone, a_folder, unreadable):
            for _ in happens(path):
                refusals += 1
                await said(refusals)
        save(path, whole)
        await asyncio.to_thread(process.wait_for, "runtime ready", 2)
        writing = in_parts(path, whole.replace('"answer": 1', '"answer": 3'))
        next(writing)
        await asyncio.to_thread(process.wait_for, "still being written")
        for _ in writing:
            assert (await asyncio.to_thread(http, f"http://127.0.0.1:{port}/second"))[0] == 200
        await until_seen(seen, 3)
        done.set()

    assert failures == []
    assert seen == {1, 3}
    assert process.stop() == 0
    assert process.log.count("running flows are unchanged") == refusals


async def until_seen(seen, number):
    end = time.monotonic() + 30
    while number not in seen:
        assert time.monotonic() < end
        await asyncio.sleep(0.005)
