"""A flow fails, and its error chain fails too: whoever looks is told both, in order."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

FLOW = """
flows:
  - name: f
    process: [{type: set-payload, name: charge, value: 1 / 0}]
    error: [{type: set-payload, name: notify, value: vars.nope}]
"""
TEST = """
flow: f
cases: [{name: fails, expect: {body: 1}}]
"""
VALUE = "set-payload value: evaluate expression:"
BOTH = re.compile(
    f'block "charge": {VALUE} division by zero; then error path: block "notify": {VALUE} no such key: nope'
)


@pytest.fixture
def run(tmp_path):
    (tmp_path / "flow.yaml").write_text(FLOW)
    (tmp_path / "flow_test.yaml").write_text(TEST)

    def octo(*arguments):
        command = [sys.executable, "-m", "octo", *arguments]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
        return done.stdout, done.stderr

    return octo


def test_invoke_tells_both(run):
    _, errors = run("invoke", "flow.yaml", "-f", "f")
    assert any(BOTH.search(line) and line.startswith("flow.yaml:5:") for line in errors.splitlines())


def test_a_test_tells_both(run):
    shown, _ = run("test", "flow_test.yaml")
    assert BOTH.search(shown)
