"""The first screen of the README works as typed: its commands are run in their order, in real shells."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "README.md").read_text()
SCREEN = TEXT[TEXT.index("## Five minutes") : TEXT.index("## Test it")]
BLOCKS = re.findall(r"^```console\n(.*?)^```$", SCREEN, re.DOTALL | re.MULTILINE)
TIMES = re.compile(r"\b\d+(?:\.\d+)?m?s\b")


def commands(block: str) -> Iterator[tuple[str, str]]:
    """Each command of a block with what is shown below it."""
    for each in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, shown = each.partition("\n")
        yield command, shown


@pytest.fixture
def shell(tmp_path, port):
    """Run a command in the folder of a newcomer; 8080 may be taken on this machine, so another port stands for it."""
    kept = {name: os.environ[name] for name in ("HOME", "LANG", "TMPDIR") if name in os.environ}
    env = {**kept, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HTTP_PORT": str(port)}

    def run(command: str) -> str:
        typed = command.replace(":8080", f":{port}")
        done = subprocess.run(
            ["bash", "-c", typed], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120, check=False
        )
        return (done.stdout + done.stderr).replace(str(port), "8080")

    run.env, run.folder = env, tmp_path
    return run


def serve(shell, command: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        ["bash", "-c", f"exec {command} --admin-addr off"],
        cwd=shell.folder,
        env=shell.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    for _ in range(4):
        assert process.stdout.readline()
    return process


def test_it_works_as_typed(shell):
    """What it shows is what is printed, apart from times."""
    first, second, third, problem, ways = BLOCKS
    install, new, run = [command for command, _ in commands(first)]
    assert install == "pip install octo-flows"  # tests/acceptance/test_wheel.py installs it

    assert f"  {run}\n" in shell(new)
    server = serve(shell, run)
    try:
        for command, shown in commands(second):
            printed = shell(command) if not command.startswith("curl") else got(command, shell) + "\n"
            assert TIMES.sub("", printed) == TIMES.sub("", shown)
    finally:
        server.send_signal(signal.SIGINT)
        server.communicate(timeout=60)
    assert server.returncode == 0
    assert [shell(command) for command, _ in commands(third)] == [shown for _, shown in commands(third)]

    flow = shell.folder / "shop" / "flow.yaml"
    assert re.findall(r"^```yaml\n(.*?)^```$", SCREEN, re.DOTALL | re.MULTILINE)[0] in flow.read_text()
    flow.write_text(flow.read_text().replace("value: ", "valeu: "))
    [(check, shown)] = commands(problem)
    assert shell(check) == shown

    for command, _ in commands(ways):
        assert "Usage: octo run" in shell(command) or "rest" in shell(command)


def got(command: str, shell) -> str:
    """What curl prints, which need not be installed."""
    url = command.split()[1].replace("localhost:8080", f"127.0.0.1:{shell.env['HTTP_PORT']}")
    with urllib.request.urlopen(f"http://{url}", timeout=60) as answer:
        return answer.read().decode()
