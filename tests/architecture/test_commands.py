"""Every command that a page shows is typed by a test, or listed here with the reason why none does."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import click
import pytest

from octo.cli import VERBS
from octo_platform.commands import verbs as platform

ROOT = Path(__file__).parents[2]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "samples").rglob("README.md")]
CONSOLE = re.compile(r"^ *```console\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)

PARTS = (
    ("README.md", "## Five minutes", "## Test it", "acceptance/test_readme.py"),
    ("docs/cassettes.md", "", "", "acceptance/test_story.py"),
    ("docs/agents.md", "", "", "acceptance/test_story.py"),
    ("docs/ai.md", "", "", "acceptance/test_story.py"),
    ("docs/authoring.md", "", "", "acceptance/test_pages.py"),
    ("docs/cli.md", "", "", "acceptance/test_pages.py"),
    ("docs/cluster.md", "", "", "acceptance/test_cluster.py"),
    ("docs/dead-letters.md", "", "", "acceptance/test_dead_letters.py"),
    ("docs/debugging.md", "", "", "cli/test_debugging.py"),
    ("docs/durability.md", "", "", "acceptance/test_durability.py"),
    ("docs/editor.md", "", "", "acceptance/test_pages.py"),
    ("docs/differences.md", "", "", "acceptance/test_pages.py"),
    ("docs/expressions.md", "", "", "architecture/test_docs.py"),
    ("docs/extending.md", "### 4. A flow", "", "architecture/test_extending.py"),
    ("docs/finding-bugs.md", "", "", "acceptance/test_story.py"),
    ("docs/mcp.md", "", "", "acceptance/test_pages.py"),
    ("docs/openapi.md", "", "", "acceptance/test_pages.py"),
    ("docs/platform.md", "", "", "acceptance/test_platform.py"),
    ("docs/operations.md", "", "", "acceptance/test_story.py"),
    ("docs/secrets.md", "", "", "acceptance/test_secrets.py"),
    ("docs/sse.md", "", "", "acceptance/test_story.py"),
    ("docs/testing.md", "## Five minutes", "## The command", "acceptance/test_suites.py"),
    ("docs/testing.md", "### Without the services", "## Coverage", "acceptance/test_story.py"),
    ("docs/traces.md", "", "", "acceptance/test_story.py"),
    ("docs/vscode.md", "", "", "acceptance/test_pages.py"),
)
"""Page, heading where the part begins, heading where it ends, and the test that types every command of it."""

CLONE = "is what runs these tests, or runs as long as its reader wants"
INSTALLS = "installs from the network; tests/acceptance/test_wheel.py installs what was built"
CLUSTER = "needs a cluster: tests/e2e installs, upgrades and removes there; tests/platform/packaging renders the values"
ELSEWHERE = {
    "make run": CLONE,
    "make test": CLONE,
    "make edit": "tests/acceptance/test_edit.py opens the editor on the samples",
    "make platform": "tests/acceptance/test_platform.py starts what it starts, at free ports",
    "make check": CLONE,
    "make fmt": CLONE,
    "make bench": "takes minutes of an idle machine; tests/bench runs parts of it",
    "make soak": "takes an hour; tests/bench runs parts of it",
    "make chaos": "takes hours; tests/chaos kills at each point once",
    "make e2e-keycloak": "starts a Keycloak, and is minutes of tests itself: tests/e2e/test_keycloak.py",
    "make small-model": "downloads a model, and takes minutes",
    "scripts/test.sh": CLONE,
    "ORDER=random": CLONE,
    "curl -X POST localhost:8080/api/v1/orders/42": "tests/acceptance/test_samples.py sends it to this sample",
    "mkdir octo-notes": INSTALLS,
    "mkdir -p src/octo_notes": INSTALLS,
    "touch src/octo_notes": INSTALLS,
    "python -m venv": INSTALLS,
    "pip install octo-flows pytest": INSTALLS,
    "pip install -e .": INSTALLS,
    "pytest": "tests/architecture/test_extending.py runs it apart from the tests that it is part of",
    "octo explain NOTES-101": "tests/architecture/test_extending.py asks for the other code",
    "docker ": "needs a container engine; tests/platform/packaging reads the files",
    "kind ": CLUSTER,
    "k3d ": CLUSTER,
    "helm ": CLUSTER,
    "kubectl ": CLUSTER,
    "octo test --from-trace 18847f": "is the same command as on the page about traces, where it is typed",
}
"""What a command begins with, and why no test types it where it stands."""


def commands(text: str) -> list[str]:
    lines = [line.strip() for block in CONSOLE.findall(text) for line in block.splitlines()]
    return [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]


def part(page: str, begin: str, end: str) -> str:
    text = (ROOT / page).read_text()
    start = text.index(f"\n{begin}\n") if begin else 0
    return text[start : text.index(f"\n{end}\n", start) if end else len(text)]


def not_typed(page: Path) -> list[str]:
    shown = commands(page.read_text())
    for name, *where, _ in PARTS:
        if ROOT / name == page:
            for each in commands(part(name, *where)):
                shown.remove(each)
    return shown


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_each_command_is_typed_or_has_a_reason(page: Path):
    assert [each for each in not_typed(page) if not each.startswith(tuple(ELSEWHERE))] == []


def test_each_reason_is_needed():
    left = [each for page in PAGES for each in not_typed(page)]

    assert [start for start in ELSEWHERE if not any(each.startswith(start) for each in left)] == []


@pytest.mark.parametrize(("page", "begin", "end", "test"), PARTS, ids=lambda value: value or "-")
def test_the_test_reads_the_page(page: str, begin: str, end: str, test: str):
    """A part without commands needs no test, and a test that types commands of a page names it."""
    assert commands(part(page, begin, end))
    assert Path(page).name in (ROOT / "tests" / test).read_text()


# --- in the middle of a sentence -----------------------------------------------------------------------------------

WITHOUT_VERB = re.compile(r"octo (-|[\w./-]*\.yaml|[A-Z]|help)")
"""A command for which Octo takes the verb `run`; `octo VERB`, and `octo help VERB`."""


def mentioned(page: Path) -> set[str]:
    """The commands in backquotes."""
    text = page.read_text()
    return {each for each in re.findall(r"`(octo [^`\n]+)`", text) if not WITHOUT_VERB.match(each)}


def command_of(verb: str) -> click.Command:
    module, attribute = f"octo.cli.{verb}", "command"
    if verb not in VERBS:
        module, _, attribute = platform.verbs[verb].command.partition(":")
    return getattr(import_module(module), attribute)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_each_command_that_is_mentioned_exists(page: Path):
    """Its verb, and every option of it that is named."""
    for command in mentioned(page):
        _, verb, *words = command.split()
        assert verb in VERBS or verb in platform.verbs, command
        found = command_of(verb)
        if isinstance(found, click.Group):
            found = found.commands.get(words[0]) if words and words[0] != "COMMAND" else found
            assert found is not None, command
        known = {option for each in found.params for option in each.opts}
        options = [word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)]
        long = [re.sub(r"^-(?=\w\w)", "--", option) for option in options]  # one dash will do, as in `octo run -watch`
        assert [option for option in long if option not in {*known, "--help"}] == [], command
