"""`--stubs`: flows run without their services, and nobody overlooks it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

FLOW = """
env: [{{name: KEY, required: true}}]
connectors:
  - {{name: web, type: http, settings: {{host: 127.0.0.1, port: {port}}}}}
  - {{name: bank, type: http-client, settings: {{baseURL: "http://192.0.2.1:1", retry: {{maxAttempts: 1}}}}}}
  - {{name: desk, type: http-client, settings: {{baseURL: "http://192.0.2.1:2"}}}}
flows:
  - name: pay
    source: {{connector: web, type: http, settings: {{path: /}}}}
    process: [{{type: rest, settings: {{connector: bank, path: /pay}}}}]
  - name: ask
    process: [{{type: rest, settings: {{connector: desk, path: /}}}}]
"""

SUITE = """
flow: pay
env: {KEY: "1"}
stubs: {bank: {answers: [{path: /pay, body: paid}]}}
cases:
  - name: paid
  - {name: broke, stubs: {bank: {answers: [{path: /pay, body: broke}]}}}
  - {name: deaf, stubs: {bank: {answers: [{path: /other, body: 1}]}}}
"""


@pytest.fixture
def folder(tmp_path, port):
    (tmp_path / "pay.yaml").write_text(FLOW.format(port=port))
    (tmp_path / "pay_test.yaml").write_text(SUITE)
    return tmp_path


def test_stubs_serve_a_running_flow(octo, folder, port, http):
    process = octo("run", "pay.yaml", "--admin-addr=off", "--stubs", "pay_test.yaml")

    assert http(f"http://127.0.0.1:{port}/") == (200, "paid")
    assert process.stop() == 0
    assert 'msg="connectors are stubs" stubs=bank real=desk' in process.log


def test_the_banner_says_what_is_not_real(folder):
    arguments = ["run", "pay.yaml", "--admin-addr=off", "--stubs", "pay_test.yaml"]
    with subprocess.Popen(
        [sys.executable, "-m", "octo", *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        lines = list(iter(process.stdout.readline, "Real: desk.\n"))
        process.terminate()

    assert lines[-1] == "NOT REAL: bank. Stubs of pay_test.yaml answer.\n"


def test_an_edit_of_the_test_file_takes_effect(octo, folder, port, http, save):
    process = octo("run", "pay.yaml", "--watch", "--admin-addr=off", "--stubs", "pay_test.yaml")
    assert http(f"http://127.0.0.1:{port}/") == (200, "paid")

    save(folder / "pay_test.yaml", SUITE.replace("body: paid", "body: settled"))
    process.wait_for("runtime ready", 2)
    assert http(f"http://127.0.0.1:{port}/") == (200, "settled")

    save(folder / "pay_test.yaml", SUITE.replace("answers", "anwsers"))
    process.wait_for("running flows are unchanged")
    assert http(f"http://127.0.0.1:{port}/") == (200, "settled")
    assert "did you mean `answers`" in process.log


def test_an_edit_of_the_flow_keeps_the_state_of_a_stub(octo, tmp_path, port, http, save):
    flow = """
connectors:
  - {{name: web, type: http, settings: {{host: 127.0.0.1, port: {port}}}}}
  - {{name: db, type: database, settings: {{driver: sqlite, dsn: none.db}}}}
flows:
  - name: count
    source: {{connector: web, type: http, settings: {{path: /}}}}
    process:
      - {{type: sql, settings: {{connector: db, exec: true, query: "insert into t values (1)"}}}}
      - {{type: sql, settings: {{connector: db, query: "select count(*) as n from t"}}}}
      - {{type: set-payload, settings: {{value: "body[0].n{more}"}}}}
"""
    (tmp_path / "f.yaml").write_text(flow.format(port=port, more=""))
    (tmp_path / "f_test.yaml").write_text(
        "{flow: count, stubs: {db: {sqlite: [create table t (n)]}}, cases: [{name: x}]}"
    )
    process = octo("run", "f.yaml", "--watch", "--admin-addr=off", "--stubs", "f_test.yaml")
    assert http(f"http://127.0.0.1:{port}/") == (200, 1)

    save(tmp_path / "f.yaml", flow.format(port=port, more=" + 10"))
    process.wait_for("runtime ready", 2)

    assert http(f"http://127.0.0.1:{port}/") == (200, 12)
    assert not (tmp_path / "none.db").exists()


@pytest.mark.parametrize(("case", "says"), [("", '"paid"\n'), ("::broke", '"broke"\n')])
def test_invoke_takes_them_too(command, folder, case, says):
    code, out, _ = command("invoke", "pay.yaml", "--flow", "pay", "--stubs", f"pay_test.yaml{case}")

    assert (code, out) == (0, says)


def test_a_flow_is_measured_without_its_services(command, folder):
    arguments = ("--flow=pay", "--duration=50ms", "--concurrency=1", "--format=json", "--stubs=pay_test.yaml")
    code, out, err = command("bench", "pay.yaml", *arguments)

    assert code == 0, err
    assert json.loads(out)["windows"][0]["completed"] > 0


def test_a_breakpoint_and_stubs_go_together(command, folder):
    code, out, _ = command("invoke", "pay.yaml", "-f", "pay", "--stubs", "pay_test.yaml", "--break-at", "pay.rest")

    assert (code, '"body":"paid"' in out) == (0, True)


def test_a_call_that_no_answer_fits_fails_and_names_the_nearest(command, folder):
    code, _, err = command("invoke", "pay.yaml", "--flow", "pay", "--stubs", "pay_test.yaml::deaf")

    assert code == 1
    assert "/other" in err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--stubs=pay_test.yaml", "--processes=2"], "single process"),
        (["--stubs=none_test.yaml"], "none_test.yaml: OCTO-C101"),
        (["--stubs=pay_test.yaml::brok n"], "OCTO-T111"),
        (["--stubs=pay.yaml"], "no key `connectors`"),
    ],
)
def test_what_makes_no_sense_is_2(command, folder, arguments, says):
    code, out, err = command("run", "pay.yaml", "--admin-addr=off", *arguments)

    assert (code, out) == (2, "")
    assert says in err
    assert "Traceback" not in err
