"""Where services are: a file that outlives a command, or memory."""

from __future__ import annotations

import pytest

FLOWS = """
flows:
  - name: tell
    process: [{type: queue-dispatch, subject: '"jobs"'}]
  - name: ask
    process: [{type: queue-dispatch, subject: '"jobs"', awaitReply: true, timeout: 1s}]
  - name: work
    source: {type: queue, settings: {subject: jobs}}
    process: [{type: log, message: '"worked on " + string(body)'}]
"""


@pytest.fixture
def flow(tmp_path):
    path = tmp_path / "flow.yaml"
    path.write_text(FLOWS)
    return str(path)


@pytest.mark.parametrize(
    "where", [["--services", "sqlite:FOLDER/octo.db"], ["-storage-dir", "FOLDER"]], ids=["services", "storage-dir"]
)
def test_what_invoke_sends_another_command_takes(command, octo, flow, tmp_path, where):
    """And nothing is made where no flow asks for a service."""
    where = [each.replace("FOLDER", str(tmp_path / "kept")) for each in where]

    assert command("invoke", flow, "tell", "--data", "7", *where)[:2] == (0, "7\n")
    assert (tmp_path / "kept" / "octo.db").exists()
    running = octo("run", flow, *where, "--admin-addr", "off")
    running.wait_for("worked on 7")


def test_run_keeps_what_it_holds_below_the_working_directory(octo, flow, tmp_path):
    running = octo("run", flow, "--admin-addr", "off")
    running.wait_for("runtime ready")

    assert (tmp_path / "octo-store" / "octo.db").exists()


def test_who_chooses_the_place_of_secrets_chooses_no_other(octo, flow, tmp_path):
    """Queues that were only in memory would be a nasty surprise after a restart."""
    running = octo("run", flow, "--admin-addr", "off", OCTO_SERVICES="secrets=env:APP_")
    running.wait_for("runtime ready")

    assert (tmp_path / "octo-store" / "octo.db").exists()


def test_invoke_holds_nothing(command, flow, tmp_path):
    assert command("invoke", flow, "tell", "--data", "7")[0] == 0
    assert not (tmp_path / "octo-store").exists()


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--services", "sqllite:a"], "did you mean `sqlite:`?"),
        (["--services", "memory:", "--storage-dir", ""], "choose one of"),
        (["--services", "a/shop.db"], "'a/shop.db' is no URL; did you mean `sqlite:a/shop.db`?"),
    ],
)
def test_what_is_no_place_is_a_usage_error(command, flow, options, problem):
    code, _, err = command("invoke", flow, "tell", *options)

    assert (code, problem in err) == (2, True)


def test_a_place_that_cannot_be_used_is_said_in_one_line(command, flow, tmp_path):
    (tmp_path / "octo.db").write_text("something else, and rather longer than a header would be" * 9)
    code, out, err = command("invoke", flow, "tell", "--storage-dir", str(tmp_path))

    assert (code, out, "is damaged: file is not a database" in err, "Traceback" in err) == (1, "", True, False)
