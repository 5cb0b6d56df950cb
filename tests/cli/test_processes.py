"""octo run --processes: all share the port, a clock ticks in one, all end together."""

from __future__ import annotations

from pathlib import Path

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


def test_a_configuration_that_is_wrong_ends_all(command, tmp_path):
    (tmp_path / "flow.yaml").write_text("flows: 1")

    assert command("run", "--config", "flow.yaml", "--processes", "2")[0] == 2
