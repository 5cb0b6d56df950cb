"""Signing in from a machine without a browser, and forgetting the key."""

from __future__ import annotations

import asyncio
import re
import threading

import click
import pytest

from octo_platform.commands import login
from octo_platform.sessions.scopes import _MEANT


@pytest.fixture
async def ann(house):
    return await house.signed_in("ann", "admin")


@pytest.fixture
def pauses(clock, monkeypatch):
    """Two events: it waits until it may ask; and it may go on. The time that it would wait passes at once."""
    waits, may_go_on = threading.Event(), threading.Event()

    def pause(seconds: float) -> None:
        waits.set()
        may_go_on.wait()
        clock.pass_(seconds=seconds)

    monkeypatch.setattr(login, "pause", pause)
    yield waits, may_go_on
    may_go_on.set()


async def answered(ann, url, capsys, pauses, *more: str, allow: bool) -> str:
    """Type `octo login`, let a person decide, and return what is said in the end."""
    waits, may_go_on = pauses
    async with asyncio.TaskGroup() as group:
        typed = group.create_task(asyncio.to_thread(login.login.main, [url, *more], standalone_mode=False))
        await asyncio.to_thread(waits.wait)
        code = re.search(r"compare the code:  (\S+)", capsys.readouterr().err)[1]
        found = await ann.post("/device/approval", json={"user_code": code, "allow": allow})
        assert found.status_code == 204
        may_go_on.set()
        await typed
    return capsys.readouterr().out


async def test_a_person_lets_this_machine_in(ann, url, typed, pauses, capsys, home):
    told = await answered(ann, url, capsys, pauses, allow=True)

    assert told == f"signed in at {url} as ann@example.org: admin in all workspaces\n"
    listed = await typed("deployments", "list", "--workspace", "nowhere")
    assert listed.stderr.startswith("Error: not-found: "), listed.output  # so it has a key that counts
    names = [each["name"] for each in (await ann.get("/keys")).json()["items"]]
    assert [each.startswith("octo of ") for each in names] == [True]


@pytest.mark.parametrize(
    ("asked", "scopes"),
    [
        ("all", {"all"}),
        ("logs.read, deployments.read,", {"logs.read", "deployments.read", "session.read"}),
        ("read", _MEANT["read"]),
        ("deploy", _MEANT["deploy"]),
    ],
)
async def test_a_machine_asks_for_less(ann, url, pauses, capsys, home, asked, scopes):
    told = await answered(ann, url, capsys, pauses, "--scopes", asked, allow=True)

    assert told.startswith(f"signed in at {url} as ann@example.org")
    assert set((await ann.get("/keys")).json()["items"][0]["scopes"]) == scopes


async def test_scopes_that_there_are_not_or_that_a_file_has_already(house, ann, url, typed, home):
    told = await typed("login", url, "--scopes", "logs.reed")
    assert told.stderr.startswith("Error: invalid: scopes: 'logs.reed' is nothing that a key may")
    told = await typed("login", url, "--scopes", "read", "--key-file", "-", input="octo_x")
    assert (told.exit_code, "--scopes" in told.stderr) == (2, True)


async def test_a_person_refuses(ann, url, pauses, capsys, home):
    with pytest.raises(ExceptionGroup) as told:
        await answered(ann, url, capsys, pauses, allow=False)

    assert "not-allowed: the person who was asked has refused" in str(told.value.exceptions[0])
    assert isinstance(told.value.exceptions[0], click.ClickException)


async def test_a_key_that_there_is(house, ann, url, typed, home, tmp_path):
    key = (await ann.post("/keys", json={"name": "x", "scopes": "all"})).json()["key"]
    (tmp_path / "key").write_text(f"{key}\n")

    by_file = await typed("login", url, "--key-file", str(tmp_path / "key"))
    by_pipe = await typed("login", url, "--key-file", "-", input=key)
    wrong = await typed("login", url, "--key-file", "-", input="octo_wrong")

    assert by_file.stdout == by_pipe.stdout == f"signed in at {url} as ann@example.org: admin in all workspaces\n"
    assert (wrong.exit_code, wrong.stderr.splitlines()[0]) == (1, "Error: not-signed-in: Sign in, or send an API key")
    assert key not in by_file.output + by_pipe.output


async def test_a_key_is_forgotten(house, ann, url, typed, home):
    key = (await ann.post("/keys", json={"name": "x", "scopes": "all"})).json()["key"]
    await typed("login", url, "--key-file", "-", input=key)

    assert (await typed("logout")).stdout == f"forgotten: the key of {url}\n"
    again = await typed("logout", url)
    assert (again.exit_code, again.stderr) == (1, f"Error: nobody is signed in at {url} here\n")
    refused = await typed("deployments", "list", "-w", "shop", "--server", url)
    assert refused.stderr == f"Error: not-signed-in: Sign in, or send an API key\nsign in: octo login {url}\n"


class TestWhereNobodySignsIn:
    @pytest.fixture
    def closed(self, closed):
        return {**closed, "insecure_local": True}

    async def test_no_key_is_needed(self, url, typed):
        told = await typed("login", url)

        assert told.stdout == f"{url} needs no sign-in: you are local\n"
        assert (await typed("deployments", "list", "-w", "shop")).stderr.startswith("Error: not-found: ")
