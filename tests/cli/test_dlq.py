"""octo dlq lists, shows, replays and purges dead letters, wherever they are kept."""

from __future__ import annotations

import asyncio
import json
import logging
import re

import pytest

from octo.core import letter
from octo.core.message import Message
from octo.engine.burial import InFile
from octo.services.container import Services
from octo.services.embedded import in_file

FLOWS = """
connectors: [{name: jobs, type: queue}, {name: web, type: http}]
flows:
  - name: ship
    source: {connector: jobs, type: queue, settings: {subject: orders}}
    mask: [card]
    process: [{type: set-payload, value: body.amount * 2}]
  - name: accept
    source: {connector: web, type: http, settings: {path: /}}
    deadLetter: {file: lost.jsonl}
    process:
      - {type: set-payload, value: body.amount * 2}
"""
CAUSE = {"ship": "no such key: amount", "accept": "no card"}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A project with two dead letters of a queue, and one of a file."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    (tmp_path / "flows.yaml").write_text(FLOWS)
    asyncio.run(fill(tmp_path))
    return tmp_path


def told(flow):
    return letter.of(flow, CAUSE[flow], ValueError(CAUSE[flow]), config="abc", octo="0.0.1")


async def fill(folder):
    (folder / "octo-store").mkdir()
    async with Services(in_file(folder / "octo-store" / "octo.db")) as services:
        await services.open(["queues"])
        queues = services.opened["queues"]
        for number in (1, 2):
            body = {"id": number, "card": "4111-1111-1111"}
            await queues.send("orders", Message(body, event_id=f"{number:032x}"[::-1]).to_record())
            (received,) = await queues.receive("orders")
            await queues.reject(received, told("ship").as_text())
    message = Message({"id": 3, "amount": 5}, event_id="f" * 32)
    await InFile(folder / "lost.jsonl").keep(message, told("accept"))


def counts(folder):
    async def work():
        async with Services(in_file(folder / "octo-store" / "octo.db")) as services:
            await services.open(["queues"])
            queues = services.opened["queues"]
            return [await queues.count("orders"), await queues.count("orders", dead=True)]

    return asyncio.run(work())


def groups(cli):
    found = json.loads(cli("dlq", "list", "--format", "json").stdout)["groups"]
    return {each["flow"]: each["group"] for each in found}


def test_groups_are_listed_the_largest_first(cli, folder):
    result = cli("dlq", "list")

    assert (result.exit_code, result.stderr) == (0, "")
    ship, _, _, where, accept, *_ = result.stdout.splitlines()
    assert re.fullmatch(r"[0-9a-f]{8}  2  ship  OCTO-R190", ship)
    assert re.fullmatch(r"[0-9a-f]{8}  1  accept  OCTO-R190", accept)
    assert where.startswith("    queue orders, e.g. ")


def test_a_list_is_json_too(cli, folder):
    found = json.loads(cli("dlq", "list", "--format", "json").stdout)

    assert found["count"] == 3
    assert [(each["flow"], each["count"], each["place"]) for each in found["groups"]] == [
        ("ship", 2, "queue orders"),
        ("accept", 1, "file lost.jsonl"),
    ]


def test_one_queue_needs_no_configuration(cli, folder):
    (folder / "flows.yaml").unlink()
    result = cli("dlq", "list", "--queue", "orders", "--format", "json")

    assert json.loads(result.stdout)["count"] == 2


def test_to_look_makes_no_store(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = cli("dlq", "list", "--queue", "orders")

    assert (result.exit_code, result.stdout) == (0, "no dead letters\n")
    assert "there is no sqlite:octo-store/octo.db here; --services names other places" in result.stderr
    assert not list(tmp_path.iterdir())


def test_queues_in_memory_are_not_said_to_be_empty(cli, folder):
    """They are those of another process: whether they have dead letters, nobody here can know."""
    result = cli("dlq", "list", "--services", "memory:")

    assert (result.exit_code, result.stdout) == (2, "")
    assert "queues in memory are those of one process" in result.stderr


def test_a_letter_is_shown_with_all_that_is_known(cli, folder):
    result = cli("dlq", "show", "ffffff")

    lines = dict(re.findall(r"^  (\w+) +(.*)$", result.stdout, re.MULTILINE))
    assert result.exit_code == 0
    assert result.stdout.startswith("f" * 32)
    assert (lines["flow"], lines["reason"], lines["attempts"]) == ("accept", "no card", "1")
    assert (lines["config"], lines["octo"], lines["body"]) == ("abc", "0.0.1", '{"id":3,"amount":5}')
    assert len(lines["trace"]) == 32


def test_what_a_flow_masks_is_not_shown(cli, folder):
    for form in ("text", "json"):
        result = cli("dlq", "show", groups(cli)["ship"], "--format", form)
        assert "4111-1111" not in result.stdout
        assert "«masked»" in result.stdout


def test_a_group_is_shown_up_to_a_limit(cli, folder):
    result = cli("dlq", "show", groups(cli)["ship"], "--limit", "1", "--format", "json")

    (line,) = result.stdout.splitlines()
    assert json.loads(line)["message"]["body"]["id"] == 1
    assert "and 1 more letter" in result.stderr


def test_a_dry_run_changes_nothing(cli, folder):
    before = counts(folder), (folder / "lost.jsonl").read_bytes()
    result = cli("dlq", "replay", "--all", "--dry-run")

    assert result.exit_code == 1
    assert result.stderr == "", "what fails is in the result, not in the log"
    assert not logging.root.manager.disable
    assert "2 messages would fail again" in result.stdout
    assert "1 message would complete" in result.stdout
    assert (counts(folder), (folder / "lost.jsonl").read_bytes()) == before


def test_a_dry_run_is_json_lines_too(cli, folder):
    result = cli("dlq", "replay", "--all", "--dry-run", "--format", "json")

    found = [json.loads(line) for line in result.stdout.splitlines()]
    assert sorted(each["result"] for each in found) == ["completes", "fails", "fails"]


def test_a_replay_sends_into_the_queue_and_runs_what_a_file_has_kept(cli, folder):
    result = cli("dlq", "replay", "--all")

    assert (result.exit_code, result.stdout) == (0, "2 in the queue again, 1 completed\n")
    assert counts(folder) == [2, 0]
    assert not (folder / "lost.jsonl").exists()


def test_a_replay_opens_only_what_its_flows_need(cli, folder):
    other = "  - {name: other, process: [{type: sql, connector: db, query: SELECT 1}]}\n"
    database = "{name: db, type: database, settings: {driver: postgres, dsn: 'postgres://nobody@127.0.0.1:1/none'}}, "
    (folder / "flows.yaml").write_text(FLOWS.replace("connectors: [", f"connectors: [{database}") + other)

    assert cli("dlq", "replay", "ffffff").stdout == "1 completed\n"


def test_what_fails_again_is_one_letter_with_one_more_attempt(cli, folder):
    (folder / "flows.yaml").write_text(FLOWS.replace("body.amount * 2}\n", "body.nope}\n"))
    result = cli("dlq", "replay", "ffffff")

    assert (result.exit_code, result.stdout) == (1, "1 failed again\n")
    shown = cli("dlq", "show", "ffffff").stdout
    assert "attempts  2" in shown
    assert re.search("before .* no card", shown)


def test_a_replay_is_json_lines_too(cli, folder):
    result = cli("dlq", "replay", groups(cli)["ship"], "--format", "json", "--rate", "1000/s", "--order", "newest")

    assert [json.loads(line)["how"] for line in result.stdout.splitlines()] == ["sent", "sent"]


def test_a_purge_asks(cli, folder):
    refused = cli("dlq", "purge", "--all")
    assert refused.exit_code == 2
    assert "this removes 3 dead letters for good: say --yes" in refused.stderr
    assert counts(folder) == [0, 2]

    result = cli("dlq", "purge", groups(cli)["ship"], "--yes")
    assert (result.exit_code, result.stdout) == (0, "2 dead letters removed\n")
    assert counts(folder) == [0, 0]
    assert json.loads(cli("dlq", "purge", "--all", "-y", "--format", "json").stdout) == {"removed": 1}
    assert cli("dlq", "list").stdout == "no dead letters\n"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["show"], "name an id or a group; `octo dlq list` lists them"),
        (["replay"], "name an id or a group, or --all"),
        (["purge"], "name an id or a group, or --all"),
        (["replay", "--all", "abc"], "--all is everything, so what is 'abc'?"),
        (["list", "abc"], "there is no file 'abc'"),
        (["show", "nobody"], "no dead letter has the id or group 'nobody'"),
        (["replay", "nobody"], "no dead letter has the id or group 'nobody'"),
        (["replay", "--all", "--rate", "0/s"], "is no rate; write e.g. 10/s"),
        (["replay", "--all", "--rate", "fast"], "is no rate; write e.g. 10/s"),
        (["replay", "--all", "--rate", "9" * 400 + "/s"], "is no rate; write e.g. 10/s"),
        (["replay", "--all", "--timeout", "soon"], "is not a duration"),
        (["replay", "--all", "--stubs", "x_test.yaml"], "--stubs belongs to --dry-run"),
        (["list", "flows.yaml", "-c", "flows.yaml"], "name one flow file or folder"),
        (["list", "--services", "ftp:x"], "is no kind of service"),
    ],
)
def test_a_wrong_call_says_what_to_do(cli, folder, arguments, complaint):
    result = cli("dlq", *arguments)

    assert result.exit_code == 2
    assert complaint in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


def test_a_line_that_nobody_can_read_is_told(cli, folder):
    with (folder / "lost.jsonl").open("a") as file:
        file.write("nonsense\n")
    result = cli("dlq", "list")

    assert "file lost.jsonl: 1 line cannot be read" in result.stderr


def test_a_stub_answers_in_a_dry_run(cli, folder):
    (folder / "flows.yaml").write_text(
        FLOWS.replace("body.amount * 2}\n", "body.amount}\n      - {type: rest, connector: bank, path: /}\n").replace(
            "connectors: [", "connectors: [{name: bank, type: http-client, settings: {baseURL: 'http://127.0.0.1:1'}}, "
        )
    )
    (folder / "flows_test.yaml").write_text(
        "flow: accept\nstubs: {bank: {answers: [{path: /, body: {ok: true}}]}}\n"
        "cases: [{name: one, input: {data: {amount: 1}}}]\n"
    )
    unsure = cli("dlq", "replay", "ffffff", "--dry-run", "flows.yaml")
    sure = cli("dlq", "replay", "ffffff", "--dry-run", "flows.yaml", "--stubs", "flows_test.yaml")

    assert "1 message perhaps would complete" in unsure.stdout
    assert "not called: accept.rest" in unsure.stdout
    assert "1 message would complete" in sure.stdout


def test_what_it_says_to_try_can_be_typed(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    assert "octo dlq list PATH " in cli("dlq", "list").stderr
