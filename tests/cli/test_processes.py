"""octo run --processes: all processes share the port, cron ticks in one of them, and all end together."""

from __future__ import annotations

import os
import signal
import stat
import time
from pathlib import Path

import pytest

FLOW = """
connectors: [{{name: web, type: http, settings: {{host: 127.0.0.1, port: {port}}}}}]
flows:
  - name: who
    source: {{connector: web, type: http, settings: {{path: /}}}}
    process: [{{type: python, call: "who:am_i"}}]
  - name: tick
    source: {{type: cron, settings: {{schedule: "@every 1s"}}}}
    process: [{{type: log, message: '"tick"'}}]
"""


def test_processes_share_port_and_work_but_not_the_clock(octo, port, tmp_path, http):
    (tmp_path / "flow.yaml").write_text(FLOW.format(port=port))
    (tmp_path / "who.py").write_text("import os\n\n\ndef am_i():\n    return os.getpid()\n")
    process = octo("run", "--config", str(tmp_path / "flow.yaml"), "--processes", "2")
    process.wait_for("runtime ready", 2)

    answered = set()
    for _ in range(500):
        answered.add(http(f"http://127.0.0.1:{port}/")[1])
        if len(answered) == 2:
            break

    assert len(answered) == 2
    process.wait_for("tick", 3)
    assert sum("source=cron" in line for line in process.lines) == 1
    assert process.stop() == 0
    for pid in answered:
        assert not Path(f"/proc/{pid}").exists()


def pids(http, port, count):
    """The ids of the processes that answer, once there are so many."""
    answered = set()
    end = time.monotonic() + 60
    while len(answered) < count:
        assert time.monotonic() < end
        status, pid = http(f"http://127.0.0.1:{port}/")
        assert status == 200
        answered.add(pid)
    return answered


def test_a_process_that_is_killed_is_replaced(octo, port, tmp_path, http):
    (tmp_path / "flow.yaml").write_text(FLOW.format(port=port))
    (tmp_path / "who.py").write_text("import os\n\n\ndef am_i():\n    return os.getpid()\n")
    process = octo("run", "--config", str(tmp_path / "flow.yaml"), "--processes", "2")
    process.wait_for("runtime ready", 2)
    victim = pids(http, port, 2).pop()

    os.kill(victim, signal.SIGKILL)
    process.wait_for("process ended, replacing it")
    process.wait_for("runtime ready", 3)

    assert victim not in pids(http, port, 2)
    assert process.stop() == 0


def test_an_edit_reaches_all_and_a_bad_one_is_told_once(octo, port, tmp_path, http, save):
    flow = tmp_path / "flow.yaml"
    flow.write_text(FLOW.format(port=port))
    (tmp_path / "who.py").write_text("import os\n\n\ndef am_i():\n    return os.getpid()\n")
    process = octo("run", "--config", str(flow), "--processes", "2", "--watch")
    process.wait_for("runtime ready", 2)

    save(flow, FLOW.format(port=port).replace("type: python", "type: pythn"))
    process.wait_for("The running flows are unchanged")
    save(flow, FLOW.format(port=port).replace("path: /}", "path: /who}"))
    process.wait_for("runtime ready", 4)

    assert {http(f"http://127.0.0.1:{port}/who")[0] for _ in range(50)} == {200}
    assert {http(f"http://127.0.0.1:{port}/")[0] for _ in range(50)} == {404}
    assert sum("pythn" in line and "OCTO-C130" in line for line in process.lines) == 1
    assert process.stop() == 0


def test_a_configuration_that_is_wrong_ends_all(command, tmp_path):
    (tmp_path / "flow.yaml").write_text("flows: 1")

    assert command("run", "--config", "flow.yaml", "--processes", "2")[0] == 2


@pytest.fixture
def admin_port(free_port):
    """Another free port."""
    return free_port()


def test_all_are_behind_one_operations_port(octo, port, admin_port, tmp_path, tmp_path_factory, http):
    (tmp_path / "flow.yaml").write_text(FLOW.format(port=port))
    (tmp_path / "who.py").write_text("import os\n\n\ndef am_i():\n    return os.getpid()\n")
    temporary = tmp_path_factory.mktemp("t")  # the path of a socket has to be short
    process = octo(
        "run", str(tmp_path / "flow.yaml"), "--processes", "2", f"--admin-addr=127.0.0.1:{admin_port}",
        TMPDIR=str(temporary),
    )  # fmt: skip
    process.wait_for("runtime ready", 2)
    answered = pids(http, port, 2)

    status = http(f"http://127.0.0.1:{admin_port}/status")[1]
    [folder] = temporary.glob("octo-*")

    assert {each["pid"] for each in status["processes"]} == answered
    assert status["ready"] is True
    assert sum("address=127" in line for line in process.lines) == 1
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert process.stop() == 0
    assert not folder.exists()


def test_the_operations_port_of_all_can_be_switched_off(octo, port, tmp_path):
    (tmp_path / "flow.yaml").write_text(FLOW.format(port=port))
    (tmp_path / "who.py").write_text("import os\n\n\ndef am_i():\n    return os.getpid()\n")
    process = octo("run", str(tmp_path / "flow.yaml"), "--processes", "2", "--admin-addr=off")
    process.wait_for("runtime ready", 2)

    assert process.stop() == 0
    assert "operations port" not in process.log
