"""`octo plan`, `octo deploy`, `octo rollback`: from files to what runs, and what is said when it does not."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from octo_platform.commands import asking
from octo_platform.commands.address import Address
from octo_platform.commands.following import Failed, follow

ROOT = Path(__file__).parents[3]


@pytest.fixture
async def shop(house, key):
    """A workspace with an environment."""
    client = await house.visitor(Authorization=f"Bearer {key}")
    await client.post("/workspaces", json={"name": "shop"})
    await client.post("/workspaces/shop/environments", json={"name": "dev"})
    return client


async def test_files_become_a_version_that_runs(typed, flow, shop):
    told = await typed("deploy", flow(), "--to", "shop/dev", "--tag", "v1", "--replicas", "2", "--yes")

    assert told.exit_code == 0, told.output
    lines = told.stdout.splitlines()
    plain = [" ".join(each.split()) for each in lines]
    assert lines[0] == "shop/dev:hello  v1  (new)"
    assert {"+ block hello.set-payload", "+ route * / hello", "+ setting replicas 2"} <= {*plain}
    assert lines[-1] == "shop/dev:hello  v1  running  http://hello.test:8080"
    assert "running      2/2 ready" in told.stderr
    assert (await shop.get("/workspaces/shop/integrations/hello/versions/v1")).status_code == 200


async def test_the_second_time_it_rolls_and_shows_only_what_changes(typed, flow, shop):
    await typed("deploy", flow(), "--to", "shop/dev", "--tag", "v1", "--yes", "--set", "A=1", "--replicas", "2")
    told = await typed("deploy", flow(path="x"), "--to", "shop/dev", "--tag", "v2", "--yes", "--set", "B=2")

    assert told.exit_code == 0, told.output
    head, *changes, last = told.stdout.splitlines()
    assert head == "shop/dev:hello  v1 → v2"
    assert [" ".join(each.split()) for each in changes] == [
        *("- route * / hello", "+ route * /x hello", "+ variable B 2", "4 messages under way"),
    ]
    assert last.startswith("shop/dev:hello  v2  running")
    settings = (await shop.get("/workspaces/shop/deployments/dev:hello")).json()["settings"]
    assert (settings["variables"], settings["replicas"]) == ({"A": "1", "B": "2"}, 2)


async def test_a_key_for_deploying_is_enough_to_deploy_and_go_back(house, typed, flow, shop, monkeypatch):
    new = {"name": "ci", "scopes": "deploy", "workspace": "shop"}
    made = (await (await house.sign_in("ann")).post("/keys", json=new)).json()["key"]
    monkeypatch.setenv("OCTO_PLATFORM_KEY", made)

    told = [await typed("deploy", flow(path=each), "--to", "shop/dev", "--tag", each, "--yes") for each in ("v1", "v2")]
    told.append(await typed("rollback", "shop/dev:hello", "--yes"))
    assert [each.exit_code for each in told] == [0, 0, 0], [each.output for each in told]


async def test_what_runs_already_is_not_deployed_again(typed, flow, shop):
    first = await typed("deploy", flow(), "--to", "shop/dev", "--yes")
    again = await typed("deploy", flow(), "--to", "shop/dev")

    assert (first.exit_code, again.exit_code) == (0, 0), again.output
    assert "nothing changes" in again.stdout
    assert (await shop.get("/workspaces/shop/deployments/dev:hello")).json()["generation"] == 1


async def test_without_a_terminal_nothing_is_done_unless_yes_is_said(typed, flow, shop):
    told = await typed("deploy", flow(), "--to", "shop/dev", input="y\n")

    assert told.exit_code == 2
    assert "nobody can be asked here: --yes does it without asking" in told.stderr
    assert (await shop.get("/workspaces/shop/deployments")).json()["items"] == []
    assert (await shop.get("/workspaces/shop/integrations")).json()["items"] == []
    created = await typed("deploy", flow(), "--to", "other/dev", "--create")
    assert created.exit_code == 2
    assert (await shop.get("/workspaces/other")).status_code == 404


async def test_what_has_failed_is_no_success_the_second_time(typed, flow, shop, pretence):
    pretence.bad.add("v1")
    await typed("deploy", flow(), "--to", "shop/dev", "--tag", "v1", "--yes")
    again = await typed("deploy", flow(), "--to", "shop/dev", "--tag", "v1", "--yes")

    assert again.exit_code == 1, again.output
    assert "v1 did not become ready: CrashLoop: v1 ends at once" in again.stderr


async def test_who_is_overtaken_does_not_wait(typed, flow, shop, pretence):
    """Of a release that another one has followed, nothing will ever be known."""
    pretence.reachable = False
    await typed("deploy", flow(), "--to", "shop/dev", "--tag", "v1", "--yes", "--no-wait")
    await typed("deployments", "scale", "shop/dev:hello", "2", "--no-wait")
    with asking.client(None) as client, pytest.raises(Failed) as told:
        await asyncio.to_thread(follow, client, Address("shop", "dev", "hello"), 1, 60)
    listed = await typed("deployments", "releases", "shop/dev:hello")

    assert "shop/dev:hello: something else was wanted before it was ready; it goes on with v1" in told.value.message
    assert [each.split()[3] for each in listed.stdout.splitlines()[1:]] == ["under", "overtaken"]


async def test_ctrl_c_while_it_waits_says_that_the_platform_goes_on(flow, shop, pretence):
    pretence.reachable = False
    script = "from octo_platform.commands.deploy import deploy; deploy(prog_name='octo deploy')"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", script, flow(), "--to", "shop/dev", "--tag", "v1", "--yes"),
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stderr is not None
    assert b"progressing" in await process.stderr.readline()  # it waits from now on
    process.send_signal(signal.SIGINT)
    told = (await process.communicate())[1].decode()

    assert process.returncode == 130, told
    assert told.endswith("Error: waiting no more; the platform goes on: octo deployments show shop/dev:hello\n")


async def test_a_bad_version_says_why_and_leaves_what_ran(typed, flow, shop, pretence):
    pretence.bad.add("v2")
    await typed("deploy", flow(), "--to", "shop/dev", "--tag", "v1", "--yes")
    told = await typed("deploy", flow("other"), "--to", "shop/dev", "--tag", "v2", "--yes")

    assert told.exit_code == 1
    assert "Error: shop/dev:hello v2 did not become ready: CrashLoop: v2 ends at once" in told.stderr
    assert "the last lines of its log:\n  hello-0  line 0" in told.stderr
    assert "it goes back to v1, which ran before" in told.stderr
    shown = await typed("deployments", "show", "shop/dev:hello")
    assert shown.stdout.startswith("shop/dev:hello  v1  ")


async def test_a_first_version_that_is_bad_ends_the_waiting_too(typed, flow, shop, pretence):
    pretence.bad.add("v1")

    told = await typed("deploy", flow(), "--to", "shop/dev", "--tag", "v1", "--yes")

    assert told.exit_code == 1
    assert "v1 did not become ready: CrashLoop" in told.stderr


async def test_problems_of_flows_are_shown_with_their_places(typed, tmp_path, shop):
    (tmp_path / "bad.yaml").write_text("flows:\n  - name: a\n    proces: []\n")

    told = await typed("deploy", str(tmp_path / "bad.yaml"), "--to", "shop/dev", "--yes")

    assert told.exit_code == 1
    assert "Error: flow-problems: The flow files have problems\n  bad.yaml:3:5: " in told.stderr
    assert "did you mean `process`?" in told.stderr


async def test_a_tag_never_changes(typed, flow, shop):
    await typed("deploy", flow(), "--to", "shop/dev", "--tag", "v1", "--yes")
    told = await typed("deploy", flow("other"), "--to", "shop/dev", "--tag", "v1", "--yes")

    assert told.exit_code == 2
    assert "hello has a version v1 with other files, and it never changes" in told.stderr
    files = await shop.get("/workspaces/shop/integrations/hello/files/hello.yaml")
    assert '"hi"' in files.text


async def test_a_plan_changes_nothing_unless_told_to_store_the_files(typed, flow, shop):
    refused = await typed("plan", flow(), "--to", "shop/dev", "--tag", "v1")
    assert refused.exit_code == 2
    assert "--push stores them as one" in refused.stderr
    assert (await shop.get("/workspaces/shop/integrations")).json()["items"] == []

    pushed = await typed("plan", flow(), "--to", "shop/dev", "--tag", "v1", "--push")
    again = await typed("plan", "--to", "shop/dev:hello", "--tag", "v1", "--format", "json")
    assert pushed.exit_code == 0, pushed.output
    assert pushed.stdout.startswith("shop/dev:hello  v1  (new)\n")
    assert json.loads(again.stdout)["toTag"] == "v1"
    assert (await shop.get("/workspaces/shop/deployments")).json()["items"] == []


async def test_a_version_that_there_is_goes_elsewhere_without_files(typed, flow, shop):
    await shop.post("/workspaces/shop/environments", json={"name": "production"})
    await typed("deploy", flow(), "--to", "shop/dev", "--tag", "v1", "--yes")

    told = await typed("deploy", "--to", "shop/production:hello", "--tag", "v1", "--yes")

    assert told.stdout.splitlines()[-1].startswith("shop/production:hello  v1  running"), told.output


async def test_workspace_and_environment_can_be_made(typed, flow, key):
    missing = await typed("deploy", flow(), "--to", "shop/dev", "--yes")
    nowhere = await typed("deploy", flow())
    made = await typed("deploy", flow(), "--to", "shop/dev", "--yes", "--create")

    assert missing.exit_code == 1
    assert missing.stderr == "Error: not-found: there is no workspace 'shop'; --create makes it\n"
    assert "Error: say where: --to WORKSPACE/ENVIRONMENT, such as shop/dev" in nowhere.stderr
    assert made.exit_code == 0, made.output


async def test_what_is_missing_is_told_as_it_is_typed(typed, flow, shop):
    told = await typed("deploy", flow(more=", {name: WORD, required: true}"), "--to", "shop/dev", "--yes")

    assert told.stderr.endswith("Error: invalid: variables: WORD must be given\n  --set WORD=VALUE\n")


async def test_a_plan_of_what_would_be_refused_is_refused(typed, flow, shop):
    await typed("deploy", flow(), "--to", "shop/dev", "--tag", "v1", "--yes")

    told = await typed("plan", "--to", "shop/dev:hello", "--tag", "v1", "--expose", "hello")

    assert told.exit_code == 1
    assert "only deployments on Kubernetes have a name for the outside" in told.stderr


async def test_json_is_one_document(typed, flow, shop):
    told = await typed("deploy", flow(), "--to", "shop/dev", "--yes", "--format", "json")

    found = json.loads(told.stdout)
    assert (found["deployment"]["phase"], found["plan"]["slug"], told.stderr) == ("running", "hello", "")


async def test_back_to_what_ran_before_a_restart_is_nothing(typed, flow, shop):
    """The releases in between that have the same version and settings are passed over."""
    await typed("deploy", flow("one"), "--to", "shop/dev", "--tag", "v1", "--yes")
    nothing = await typed("rollback", "shop/dev:hello", "--yes")
    await typed("deploy", flow("two"), "--to", "shop/dev", "--tag", "v2", "--yes")
    await typed("deployments", "restart", "shop/dev:hello")
    told = await typed("rollback", "shop/dev:hello", "--yes")

    assert nothing.exit_code == 2
    assert "shop/dev:hello: nothing else ran before this" in nothing.stderr
    assert told.stdout.startswith("shop/dev:hello  v2 → v1\n"), told.output
    assert told.stdout.splitlines()[-1].startswith("shop/dev:hello  v1  running")


async def test_back_to_a_certain_generation(typed, flow, shop):
    await typed("deploy", flow(), "--to", "shop/dev", "--tag", "v1", "--yes")
    for replicas in ("2", "3"):
        await typed("deployments", "scale", "shop/dev:hello", replicas)

    told = await typed("rollback", "shop/dev:hello", "--generation", "1", "--yes", "--format", "json")
    unknown = await typed("rollback", "shop/dev:hello", "--generation", "99", "--yes")

    assert json.loads(told.stdout)["deployment"]["settings"]["replicas"] == 1
    assert unknown.exit_code == 2
    assert "has no generation 99" in unknown.stderr


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 1)])
async def test_on_a_terminal_it_asks(shop, flow, answer, code):
    """Seen on a real terminal: colours, the question, and what each answer does."""
    mine, theirs = pty.openpty()
    script = "from octo_platform.commands.deploy import deploy; deploy(prog_name='octo deploy')"
    process = subprocess.Popen(
        [sys.executable, "-c", script, flow(), "--to", "shop/dev", "--tag", "v1"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    os.close(theirs)
    shown = b""
    while b"Deploy it?" not in shown and (more := await read(mine)):
        shown += more
    os.write(mine, f"{answer}\n".encode())
    while more := await read(mine):
        shown += more
    os.close(mine)

    assert process.wait() == code, shown
    assert b"\x1b[32m  + route" in shown
    found = await shop.get("/workspaces/shop/deployments")
    assert len(found.json()["items"]) == (code == 0)


async def read(terminal: int) -> bytes:
    """What is written next; nothing at its end."""
    try:
        return await asyncio.to_thread(os.read, terminal, 65536)
    except OSError:  # the last one that had it open has closed it
        return b""
