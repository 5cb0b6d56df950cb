"""Programs that misbehave."""

from __future__ import annotations

import asyncio
import errno
import os
from pathlib import Path

import pytest

from octo.ai.mcp.client import child
from octo.core.errors import NotConnected, Permanent

ANSWER = '{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no"}}'


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(child, "GRACE", 0.2)


def is_running(pid):
    """Whether the process is there, and no zombie that nobody has asked for."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def shell(script):
    return {"command": "sh", "args": ["-c", script]}


async def test_a_message_without_end_ends_the_session_and_not_the_memory(opened):
    with pytest.raises(NotConnected, match="it sent a message that is too long"):
        async with opened(**shell("yes | tr -d '\\n'"), maxResultBytes=1024):
            pass


async def test_a_program_that_closes_stdout_and_goes_on(opened):
    with pytest.raises(NotConnected, match="it has closed stdout"):
        async with opened(**shell("exec >&-; sleep 60")):
            pass


async def test_noise_on_stdout_is_not_the_end(opened, program, caplog):
    script = f"echo '[1, 2'; echo; exec {program['command']} {' '.join(program['args'])}"
    async with opened(**shell(script)) as client:
        assert len(await client.tools()) == 4
    assert "no message of MCP" in caplog.text


async def test_it_ends_with_all_that_it_has_started(opened, program, tmp_path):
    """Although it would rather not: it ignores SIGTERM."""
    script = (
        f"trap '' TERM; sleep 60 & echo $! > {tmp_path}/pid; {program['command']} {' '.join(program['args'])}; wait"
    )
    async with opened(**shell(script)) as client:
        await client.tools()

    pid = int((tmp_path / "pid").read_text())
    async with asyncio.timeout(60):
        while is_running(pid):
            await asyncio.sleep(0.01)


async def test_where_nobody_may_have_a_session_it_is_started_without_one(opened, program, tmp_path, monkeypatch):
    """As in deployments of the platform. It ends all the same."""
    spawn = asyncio.create_subprocess_exec

    def refused(*arguments, start_new_session, **options):
        if start_new_session:
            raise PermissionError(errno.EPERM, "Operation not permitted")
        return spawn(*arguments, **options)

    monkeypatch.setattr(asyncio, "create_subprocess_exec", refused)
    server = f"{program['command']} {' '.join(program['args'])}"
    async with opened(**shell(f"trap '' TERM; echo $$ > {tmp_path}/pid; {server}; exec sleep 600")) as client:
        await client.tools()
        pid = int((tmp_path / "pid").read_text())
        assert os.getpgid(pid) == os.getpgid(0)

    while is_running(pid):
        await asyncio.sleep(0.01)


async def test_a_program_that_may_not_be_run_is_said_to_be_one(opened, tmp_path):
    (tmp_path / "program").touch()
    with pytest.raises(Permanent, match="cannot be started: Permission denied"):
        async with opened(command=str(tmp_path / "program")):
            pass


async def test_a_line_of_stderr_without_end_is_logged_in_pieces(opened, program, caplog):
    script = f"head -c 3000000 /dev/zero | tr '\\0' x >&2; exec {program['command']} {' '.join(program['args'])}"
    with caplog.at_level("INFO", "octo.mcp"):
        async with opened(**shell(script)) as client:
            assert len(await client.tools()) == 4

    lines = [each.fields["line"] for each in caplog.records if each.message == "server writes"]
    assert max(map(len, lines)) == child.MOST_LINE
