"""Every command on these pages works as typed, in a project beside the samples."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = (
    *("docs/authoring.md", "docs/cli.md", "docs/editor.md", "docs/vscode.md", "docs/openapi.md", "docs/mcp.md"),
    "docs/differences.md",
    "samples/README.md",
)


def commands(text: str) -> list[str]:
    """Those in console blocks, and those that stand alone in the last cell of a table."""
    blocks = re.findall(r"^ *```console\n(.*?)^ *```$", text, re.DOTALL | re.MULTILINE)
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    cells = re.findall(r"^\|.*\| `(octo [^`]*)` \|$", text, re.MULTILINE)
    return [line.removeprefix("$ ") for line in lines if line.startswith("$ ")] + cells


COMMANDS = [(page, command) for page in PAGES for command in commands((ROOT / page).read_text())]


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """What `octo new .` makes, with the samples; HOME is a folder in it."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copytree(ROOT / "samples", folder / "samples")
    (folder / "home" / ".local/share/bash-completion/completions").mkdir(parents=True)  # the page makes it before
    with typed("octo new .", folder, 8080) as process:
        process.communicate(timeout=120)
    assert process.returncode == 0
    return folder


def typed(command: str, folder: Path, port: int) -> subprocess.Popen[str]:
    env = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "LANG": "C.UTF-8",
        "HOME": str(folder / "home"),
    }
    return subprocess.Popen(
        ["bash", "-c", command],
        cwd=folder,
        env={**env, "HTTP_PORT": str(port), "OCTO_OBSERVABILITY": "off"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(("page", "command"), COMMANDS, ids=lambda each: each)
def test_it_works_as_typed(project, page, command, free_port):
    """A command that serves does so until Ctrl-C. It gets a free port, as the one on the page may be taken."""
    serves = command.startswith(("octo run", "octo edit"))
    greeting = "octo edit" if command.startswith("octo edit") else "ready"
    command = command.replace("--port 9000", f"--port {free_port()}")
    with typed(f"exec {command}" if serves else command, project, free_port()) as process:
        shown = [process.stdout.readline() for _ in range(4 if greeting == "ready" else 2)] if serves else [greeting]
        if serves:
            process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=120)
    assert greeting in "".join(shown), err

    assert process.returncode == 0, f"{page}: {command}\n{out}{err}"
    assert "Traceback" not in err


def test_there_are_commands():
    assert {page for page, _ in COMMANDS} == set(PAGES)
