"""docs/extending.md is enough to make a package: its files are written, installed and run as they stand."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "extending.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
FILES = {named[1]: text for _, text in BLOCKS if (named := re.match(r"# ([\w./-]+\.\w+)\n", text))}


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """The files of the page in a folder, and the environment of a process that has the package installed."""
    folder = tmp_path_factory.mktemp("octo-notes")
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (folder / "src" / "octo_notes" / "__init__.py").touch()
    target = tmp_path_factory.mktemp("installed")
    command = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--offline", "--no-deps"]
    subprocess.run([*command, "--target", target, folder], check=True, capture_output=True)
    return folder, {**os.environ, "PYTHONPATH": str(target)}


def run(package, *arguments: str) -> str:
    folder, environment = package
    done = subprocess.run(
        [sys.executable, "-m", *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_its_tests_pass(package):
    """The tests of the page pass in a plain pytest, as a new user has it: no plug-in, no settings."""
    # A folder of its own: pytest clears away old ones, and warns if another run does so at the same time.
    shown = run(
        package, "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:asyncio", "-W", "error", "--basetemp=temporary"
    )

    assert re.search(r"^6 passed", shown, re.MULTILINE), shown


def test_its_types_are_right(package):
    """A strict type checker accepts the page's files, and so proves their powers."""
    folder, environment = package
    files = ["src", "tests", "iban.py", "test_iban.py", "once.py", "test_once.py", "parrot.py", "test_parrot.py"]
    command = [sys.executable, "-m", "mypy", "--strict", "--no-incremental", *files]
    done = subprocess.run(
        command, cwd=folder, env={**environment, "MYPYPATH": "src"}, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout


def test_its_codes_are_explained(package):
    assert run(package, "octo", "explain", "NOTES-102").startswith("NOTES-102: A note has a wrong signature")


def test_its_flow_is_tested(package):
    """The stub replaces the connector, and its trigger brings a note."""
    assert "1 passed" in run(package, "octo", "test", "flow.yaml")


def test_its_flow_runs_as_typed(package):
    """The last command of the page makes the folder of the notes, and runs until Ctrl-C."""
    folder, environment = package
    command = re.findall(r"^\$ (mkdir inbox && .*)$", PAGE, re.MULTILINE)[0]
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    process = subprocess.Popen(
        ["bash", "-c", command.replace(" && ", " && exec env ")],
        cwd=folder,
        env={**environment, "PATH": path, "OCTO_OBSERVABILITY": "off"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        shown = [process.stdout.readline() for _ in range(4)]
        process.send_signal(signal.SIGINT)
        _, log = process.communicate(timeout=60)

    assert "1 flow, 2 connectors, ready" in "".join(shown), log
    assert process.returncode == 0


def test_only_doors_are_used():
    """The page imports only from the public modules: others may change without notice."""
    imports = [line for _, text in BLOCKS for line in text.splitlines() if re.match(r"(from|import) octo\b", line)]

    assert imports
    assert {line for line in imports if not re.match(r"from octo(\.ai|\.testing)? import", line)} == set()
