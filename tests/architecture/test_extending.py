"""docs/extending.md alone makes a package: what it shows is written down, installed and run as it stands."""

from __future__ import annotations

import os
import re
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
    """`check_connector` and the rest, with the test runner of a newcomer: no plug-in, no settings."""
    shown = run(package, "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:asyncio", "-W", "error")

    assert re.search(r"^3 passed", shown, re.MULTILINE), shown


def test_its_types_are_right(package):
    """A strict type checker sees the doors, and proves the powers."""
    folder, environment = package
    command = [sys.executable, "-m", "mypy", "--strict", "--no-incremental", "src", "tests", "test_iban.py", "iban.py"]
    done = subprocess.run(
        command, cwd=folder, env={**environment, "MYPYPATH": "src"}, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout


def test_its_codes_are_explained(package):
    assert run(package, "octo", "explain", "NOTES-102").startswith("NOTES-102: A note has a wrong signature")


def test_its_flow_is_tested(package):
    """The stub stands in, and its trigger brings a note."""
    assert "1 passed" in run(package, "octo", "test", "flow.yaml")


def test_only_doors_are_used():
    """What else there is may change without notice."""
    imports = [line for _, text in BLOCKS for line in text.splitlines() if re.match(r"(from|import) octo\b", line)]

    assert imports
    assert {line for line in imports if not re.match(r"from octo(\.testing)? import", line)} == set()


def test_paragraphs_are_short():
    """A page that is read while typing has no long ones."""
    prose = re.sub(r"^```.*?^```$", "", PAGE, flags=re.DOTALL | re.MULTILINE)

    assert [text for text in prose.split("\n\n") if len(text.split()) > 80 and not text.startswith(("|", "- "))] == []
