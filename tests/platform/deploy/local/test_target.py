"""A deployment from its first instance to the last: scaled, paused, asked, removed, and found again."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import stat
from contextlib import aclosing
from pathlib import Path

import pytest

from octo_platform.deploy.local import keeper
from octo_platform.deploy.target import Refused, Unreachable
from tests.platform.deploy.local.scene import call, called, has, runs, until


async def test_what_is_applied_runs_and_what_is_removed_leaves_nothing(opening, wanted, tmp_path):
    """Applying and removing may be said again at any time."""
    async with opening() as target:
        assert (await target.observe("d1")).phase == "absent"
        assert await target.remove("d1") is True
        for _ in range(2):
            await target.apply(wanted(1, variables={"WORD": "one"}))
        seen = await until(target, runs(1))
        await target.apply(wanted(1, variables={"WORD": "one"}))
        pid = (await call(seen, "/code/pid"))[1]

        assert await call(seen) == (200, {"word": "one", "auth": "none", "bank": "none"})
        assert [each.name for each in seen.instances] == [
            each.name for each in (await until(target, runs(1))).instances
        ]
        assert stat.S_IMODE((tmp_path / "root").stat().st_mode) == 0o700
        assert await target.found() == {"d1"}

        assert await target.remove("d1") is False
        await until(target, has("absent"))
        assert await target.remove("d1") is True
        assert await target.found() == frozenset()
        assert not (tmp_path / "root" / "d1").exists()
        assert not Path(f"/proc/{pid}").exists()
        with pytest.raises(ConnectionRefusedError):
            called(seen.internal_url)


async def test_it_is_scaled_paused_and_resumed_at_the_same_port(opening, wanted):
    """Instances that are wanted all the time stay what they are."""
    async with opening() as target:
        await target.apply(wanted(1))
        one = await until(target, runs(1))
        await target.apply(wanted(2, replicas=3))
        three = await until(target, runs(2))
        await target.apply(wanted(3, replicas=1))
        fewer = await until(target, lambda seen: runs(3)(seen) and len(seen.instances) == 1)
        assert {each.name for each in one.instances} < {each.name for each in three.instances}
        assert (one.ready, three.ready, three.wanted, fewer.ready) == (1, 3, 3, 1)

        await target.apply(wanted(4, replicas=0))
        paused = await until(target, has("paused"))
        assert (paused.instances, paused.wanted, paused.internal_url) == ((), 0, one.internal_url)
        with pytest.raises(ConnectionRefusedError):
            called(one.internal_url)

        await target.apply(wanted(5))
        assert (await call(await until(target, runs(5))))[0] == 200
        assert (await target.observe("d1")).internal_url == one.internal_url


async def test_a_child_sees_nothing_of_the_platform(opening, wanted, monkeypatch):
    """Its environment has what is allowed, the variables of the deployment, and last what is reserved."""
    monkeypatch.setenv("AUTH_SECRET", "of the platform")
    monkeypatch.setenv("OCTO_SERVICES", "memory:")
    given = {"WORD": "hi", "HTTP_HOST": "0.0.0.0", "HTTP_PORT": "1", "OCTO_ADMIN_SOCKET": "/x", "LD_PRELOAD": "/x.so"}
    async with opening() as target:
        await target.apply(wanted(1, variables=given))
        seen = await until(target, runs(1))
        environment = (await call(seen, "/code/environment"))[1]

        assert (await call(seen))[1]["auth"] == "none"
        assert environment.pop("HTTP_PORT") == seen.internal_url.rpartition(":")[2]
        assert environment.pop("HTTP_HOST") == "127.0.0.1"
        assert environment.pop("WORD") == "hi"
        assert Path(environment.pop("HOME")).parts[-2:] == ("d1", "home")
        assert set(environment) <= {
            *("PATH", "TZ", "LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR"),
            *("PYTHONPATH", "PYTHONHOME", "PYTHONDONTWRITEBYTECODE", "TMPDIR"),
            *("OCTO_ADMIN_SOCKET", "UV_THREADPOOL_SIZE"),  # the second one is set by `octo run` itself
        }
        assert environment["OCTO_ADMIN_SOCKET"] != "/x"


async def test_a_child_is_told_where_its_data_is(opening, wanted, tmp_path):
    """The token is a file that only this user reads, and no secret of the flows; another one is another generation."""
    secrets = {"bank": "geheimnis"}
    async with opening() as target:
        for generation, token in ((1, "octod_first-token"), (2, "octod_second-token")):
            data = {"url": "http://127.0.0.1:8322", "token": token}
            await target.apply(wanted(generation, data=data, secrets=secrets))
            seen = await until(target, runs(generation))
            environment = (await call(seen, "/code/environment"))[1]
            file = Path(environment["OCTO_DATA_TOKEN_FILE"])
            assert environment["OCTO_DATA_URL"] == "http://127.0.0.1:8322"
            assert (file.read_text(), file.stat().st_mode & 0o777) == (token, 0o400)
            assert (await call(seen))[1]["bank"] == "geheimnis"
            assert [each.name for each in file.parent.iterdir()] == ["data-token"]
        await until(target, lambda seen: len(seen.instances) == 1)
        kept = [each.read_text() for each in (tmp_path / "root" / "d1" / "secrets").glob("*/data-token")]
        assert kept == ["octod_second-token"], "the token of before is still there"


async def test_a_flow_with_a_port_of_its_own_is_reached_at_that_of_the_deployment(opening, wanted):
    """On loopback, whatever address the flow names."""
    flow = """
connectors:
  - {name: web, type: http, settings: {host: 0.0.0.0, port: 8080}}
flows:
  - name: word
    source: {connector: web, type: http, settings: {path: /}}
    process: [{type: set-payload, value: '"hi"'}]
"""
    async with opening() as target:
        for deployment in ("d1", "d2"):
            await target.apply(wanted(1, flow=flow, deployment=deployment))
        seen = [await until(target, runs(1), deployment) for deployment in ("d1", "d2")]

        assert [await call(each) for each in seen] == [(200, "hi")] * 2
        with pytest.raises(ConnectionRefusedError):
            called("http://127.0.0.1:8080")


async def test_operations_of_each_instance_are_asked(opening, wanted):
    async with opening() as target:
        await target.apply(wanted(1, replicas=2, traces=True))
        seen = await until(target, runs(1))
        await call(seen)

        answers = await target.ask("d1", "/status", 1 << 20)
        assert {(each.instance, each.status) for each in answers} == {(each.name, 200) for each in seen.instances}
        assert [len(each.body) for each in await target.ask("d1", "/metrics", 100)] == [100, 100]
        assert {each.status for each in await target.ask("d1", "/traces", 1 << 20)} == {200}
        assert await target.ask("d2", "/status", 100) == []
        with pytest.raises(Refused):
            await target.ask("d1", "/status HTTP/1.1\r\nX: y", 100)


async def test_logs_of_all_instances_are_one_and_are_followed(opening, wanted):
    """Texts that are secrets are masked, also where a flow prints them."""
    async with opening() as target:
        await target.apply(wanted(1, secrets={"bank": "geheimnis"}))
        seen = await until(target, runs(1))
        async with aclosing(target.logs("d1", lines=1, follow=True)) as lines:
            ready = await anext(lines)
            await call(seen, "/code/say")
            said = await anext(lines)

        assert '"msg":"runtime ready"' in ready.text
        assert f'{{"time":"{ready.at.isoformat(timespec="milliseconds")}"' in ready.text
        assert (said.instance, said.text) == (seen.instances[0].name, "plain «secret»")
        last = [each async for each in target.logs("d1", lines=2, follow=False)]
        assert last == [ready, said]
        assert [each async for each in target.logs("d2", lines=2, follow=True)] == []


async def test_many_start_a_few_at_a_time(opening, wanted):
    """And one whose processes have not begun is removed at once."""
    async with opening(starts=1) as target:
        ids = [f"d{number}" for number in range(4)]
        await asyncio.gather(*(target.apply(wanted(1, deployment=each)) for each in ids))
        started = []
        async with aclosing(target.changes()) as changes:
            while len(started) < 4:
                seen = [await target.observe(each) for each in ids]
                started = [each for each in seen if each.phase == "running"]
                young = [each for one in seen for each in one.instances if each.phase == "starting"]
                if len(started) < 4:
                    assert (
                        len(young) <= 2
                    )  # one that starts, and one whose flows run and that is asked for the first time
                    await anext(changes)

        ports = {each.internal_url for each in started}
        assert len(ports) == 4


@pytest.mark.parametrize("path", ["../x.yaml", "/etc/x", "a//b", "a/./b", "a/..", "", "x\0", "a\\b", "a\nb", "x" * 256])
async def test_files_do_not_leave_their_folder(opening, wanted, path):
    async with opening() as target:
        with pytest.raises(Refused):
            await target.apply(wanted(1, files={path: b""}))

        assert (await target.observe("d1")).instances == ()


@pytest.mark.parametrize(
    "changed",
    [
        {"deployment": "../d"},
        {"deployment": ".run"},
        {"hash": "../h"},
        {"secrets": {"../x": "y"}},
        {"secrets": {".x": "y"}},
        {"variables": {"A=B": "y"}},
        {"variables": {"A": "\0"}},
        {"files": {"a": b"", "a/b": b""}},
        {"services": "postgresql://user:password@host/db"},
    ],
    ids=str,
)
async def test_what_no_process_can_have_is_refused(opening, wanted, changed):
    async with opening() as target:
        with pytest.raises(Refused):
            await target.apply(wanted(1, **changed))


async def test_a_platform_that_begins_anew_finds_what_was_there(opening, wanted, tmp_path):
    """At the same port; if somebody else has that one by now, at another, and it says so."""
    async with opening() as target:
        await target.apply(wanted(1))
        before = await until(target, runs(1))

    async with opening() as target:
        assert await target.found() == {"d1"}
        seen = await target.observe("d1")
        assert (seen.phase, seen.generation, seen.reasons[0].code) == ("progressing", None, "NotStarted")
        await target.apply(wanted(1))
        assert (await until(target, runs(1))).internal_url == before.internal_url


async def test_a_port_that_somebody_else_has_is_replaced(opening, wanted, tmp_path, monkeypatch):
    monkeypatch.setattr(keeper, "PORT_PATIENCE", 0.0)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        folder = tmp_path / "root" / "d1"
        folder.mkdir(parents=True)
        (folder / "port").write_text(f"{port}\n")
        async with opening() as target:
            await target.apply(wanted(1))
            seen = await until(target, runs(1))
            assert [each.code for each in seen.reasons] == ["PortTaken"]
            assert f"port {port} was taken by process {os.getpid()}" in seen.reasons[0].text
            assert (await call(seen))[0] == 200
            assert int((folder / "port").read_text()) != port


async def test_removed_while_it_is_not_known_and_applied_while_it_is_removed(opening, wanted, tmp_path):
    async with opening() as target:
        await target.apply(wanted(1, variables={"WORD": "one"}))
        await until(target, runs(1))
        await target.remove("d1")
        await target.apply(wanted(2, variables={"WORD": "two"}))
        assert (await call(await until(target, runs(2))))[1]["word"] == "two"

    async with opening() as target:
        assert await target.remove("d1") is False
        await until(target, has("absent"))
    assert not (tmp_path / "root" / "d1").exists()


async def test_a_folder_is_used_by_one_target(opening):
    async with opening():
        with pytest.raises(BlockingIOError):
            async with opening():
                pass


async def test_a_target_that_closes_takes_nothing_more(opening, wanted):
    async with opening() as target:
        pass
    with pytest.raises(Unreachable):
        await target.apply(wanted(1))


async def test_all_come_to_an_end_at_the_same_time(opening, wanted):
    """A request that is under way is answered first."""
    async with opening() as target:
        for each in ("d1", "d2"):
            await target.apply(wanted(1, deployment=each))
        seen = [await until(target, runs(1), each) for each in ("d1", "d2")]
        pids = [(await call(each, "/code/pid"))[1] for each in seen]
        slow = [asyncio.ensure_future(call(each, "/slow")) for each in seen]  # noqa: TID251
        for each in ("d1", "d2"):
            while not await is_busy(target, each):
                await asyncio.sleep(0.01)

    assert [await each for each in slow] == [(200, "slow")] * 2
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)


async def is_busy(target, deployment):
    """Whether an instance says that a message is under way."""
    [answer] = await target.ask(deployment, "/status", 1 << 20)
    return any(flow["in_flight"] for flow in json.loads(answer.body)["flows"])
