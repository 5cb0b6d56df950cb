"""Secrets of a running `octo`: mounted as Kubernetes does it, and changed meanwhile."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

FLOW = """
env: [{{name: TOKEN}}]
connectors: [{{name: web, type: http, settings: {{host: 127.0.0.1, port: {port}}}}}]
flows:
  - name: tell
    source: {{connector: web, type: http, settings: {{path: /}}}}
    process:
      - {{type: log, message: '"the token is " + env.TOKEN'}}
      - {{type: set-payload, value: 'size(env.TOKEN)'}}
"""


@pytest.fixture
def mounted(tmp_path, port):
    """A flow, and a folder with two versions of a secret; the first one is mounted."""
    (tmp_path / "flow.yaml").write_text(FLOW.format(port=port))
    folder = tmp_path / "mounted"
    for version, text in (("..old", "hunter2222"), ("..new", "hunter3333-is-longer")):
        (folder / version).mkdir(parents=True)
        (folder / version / "TOKEN").write_text(f"{text}\n")
    (folder / "..data").symlink_to("..old")
    (folder / "TOKEN").symlink_to("..data/TOKEN")
    return folder


def test_a_mounted_secret_that_changes_is_taken_with_watch(octo, mounted, port, http):
    """And neither the old nor the new one is in the log, though the flow logs it."""
    services = {"OCTO_SERVICES": "memory:,secrets=files:mounted"}
    running = octo("run", "--watch", "--admin-addr", "off", "flow.yaml", **services)
    assert http(f"http://127.0.0.1:{port}/") == (200, 10)

    (mounted / "..next").symlink_to("..new")
    (mounted / "..next").replace(mounted / "..data")

    running.wait_for("runtime ready", 2)
    assert http(f"http://127.0.0.1:{port}/") == (200, 20)
    running.wait_for("the token is «secret»", 2)
    assert "hunter" not in running.log


def test_a_secret_that_comes_late_is_waited_for(octo, mounted, port, http):
    """With --watch Octo waits for the mount as for an edit."""
    flow = mounted.parent / "flow.yaml"
    flow.write_text(flow.read_text().replace("{name: TOKEN}", "{name: TOKEN, required: true}"))
    away = mounted.rename(mounted.with_name("away"))
    mounted.mkdir()
    services = {"OCTO_SERVICES": "memory:,secrets=files:mounted"}
    running = octo("run", "--watch", "--admin-addr", "off", "flow.yaml", ready=False, **services)
    running.wait_for("required variable `TOKEN` is not set")

    mounted.rmdir()
    away.rename(mounted)

    running.wait_for("runtime ready")
    assert http(f"http://127.0.0.1:{port}/") == (200, 10)


PAGE = (Path(__file__).parents[2] / "docs" / "secrets.md").read_text()


def test_the_commands_of_the_page_do_what_it_shows(tmp_path):
    """All of docs/secrets.md, typed in one shell."""
    blocks = re.findall(r"^```console\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    lines = [line for block in blocks for line in block.split("\n")]
    script = "set -e\n" + "\n".join(line.removeprefix("$ ") for line in lines if line.startswith("$ "))
    shown = [line for line in lines if line and not line.startswith("$ ")]
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert [steady(line) for line in done.stdout.splitlines()] == [steady(line) for line in shown]
    assert "s3cr3t" not in (tmp_path / "secrets.json").read_text() + done.stdout + done.stderr


def steady(line: str) -> str:
    return re.sub(r"\d{8}-[0-9a-f]{6}", "KEY", line)
