"""octo replay runs a recorded message against the current files; the exit code says whether the result is the same."""

from __future__ import annotations

import asyncio
import sys

import pytest

from octo.testing.harness import running
from octo.trace.opening import open_store
from octo.trace.recorder import Recorder
from octo.trace.writer import Writer

FLOWS = """
connectors: [{name: bank, type: http-client, settings: {baseURL: "http://127.0.0.1:1"}}]
flows:
  - name: orders
    process:
      - {type: set-payload, name: total, value: '{"total": body.amount * 2}'}
      - {type: set-variable, name: big, settings: {name: big, value: body.total > 100}}
"""


@pytest.fixture
def kept(tmp_path, plugins, monkeypatch):
    """Write FLOWS to flow.yaml and run one message. Return its event id."""
    url = f"sqlite:{tmp_path}/traces.db"
    monkeypatch.setenv("OCTO_TRACES_STORE", url)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "flow.yaml").write_text(FLOWS)

    async def fill():
        with Writer([open_store(url, write=True)]) as writer:
            async with running(FLOWS, plugins, observer=Recorder(writer.put)) as app:
                await app.call("orders", {"amount": 1})

    asyncio.run(fill())
    [summary] = open_store(url).find()
    return summary.event


def edit(folder, old, new):
    (folder / "flow.yaml").write_text(FLOWS.replace(old, new))


def test_the_same_files_answer_the_same(cli, kept):
    result = cli("replay", kept, "flow.yaml")

    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines() == ["= orders.total", "= orders.big", "flow orders answers the same"]


def test_without_a_path_it_takes_the_folder(cli, kept):
    assert cli("replay", kept).stdout.splitlines()[-1] == "flow orders answers the same"


def test_functions_beside_the_flow_file_are_found(cli, kept, tmp_path, monkeypatch):
    """As `octo run` finds them."""
    monkeypatch.setattr("sys.path", sys.path[:])
    (tmp_path / "replayed_total.py").write_text("def total(body):\n    return {'total': body['amount'] * 2}\n")
    edit(
        tmp_path,
        """set-payload, name: total, value: '{"total": body.amount * 2}'""",
        "python, name: total, call: 'replayed_total:total'",
    )

    result = cli("replay", kept, "flow.yaml")

    assert "there is no module" not in result.stderr
    assert result.stdout.splitlines()[-1] == "flow orders answers the same"


def test_what_became_different_is_shown_and_is_exit_code_1(cli, kept, tmp_path):
    edit(tmp_path, "* 2", "* 3")

    result = cli("replay", kept[:6], "--config", "flow.yaml")

    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "~ orders.total",
        "    body.total: want 2, got 3",
        "~ orders.big",
        "    body.total: want 2, got 3",
        "flow orders answers differently",
        "    body.total: want 2, got 3",
    ]


def test_blocks_that_came_and_went_are_said(cli, kept, tmp_path):
    edit(tmp_path, "name: total", "name: sum")

    result = cli("replay", kept, "flow.yaml")

    assert result.exit_code == 0
    assert "- orders.total  no longer runs" in result.stdout.splitlines()
    assert "+ orders.sum  runs now" in result.stdout.splitlines()


def test_a_call_that_was_not_made_then_is_not_made_now(cli, kept, tmp_path):
    edit(tmp_path, "process:\n", "process:\n      - {type: rest, name: ask, connector: bank, path: /}\n")

    result = cli("replay", kept, "flow.yaml")

    assert result.exit_code == 1
    assert "this call was not made when the message was recorded" in result.stdout


def test_a_flow_that_is_gone_cannot_be_replayed(cli, kept, tmp_path):
    edit(tmp_path, "name: orders", "name: order")

    result = cli("replay", kept, "flow.yaml")

    assert result.exit_code == 2
    assert result.stderr.startswith('OCTO-S107: the flow "orders"')


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["ffffffff", "flow.yaml"], "OCTO-S103"),
        (["KEPT", "none.yaml"], "OCTO-C101"),
        (["KEPT", "flow.yaml", "--traces-store", "file:none.jsonl"], "OCTO-S102"),
    ],
)
def test_what_is_not_there_is_said_without_a_traceback(cli, kept, arguments, said):
    result = cli("replay", *(kept if each == "KEPT" else each for each in arguments))

    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stdout == ""
