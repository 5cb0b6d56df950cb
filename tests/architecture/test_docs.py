"""The documentation names only what exists, and its examples work."""

from __future__ import annotations

import asyncio
import importlib
import itertools
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from octo.builtin import plugins
from octo.cli import VERBS
from octo.config.load import parse
from octo.core.errors import ConfigError
from octo.core.expressions import Build, compile_expr
from octo.core.plugins import Plugins
from octo.expr import Scope, compile  # noqa: A004 - the name of the API
from octo.testing import check_connector
from octo.testing.clock import virtual
from octo.testing.harness import running
from octo_platform.codes import CODES
from octo_platform.commands import verbs as platform

ROOT = Path(__file__).parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)


def blocks(page: str, language: str) -> list[str]:
    """The code blocks of a page in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", (ROOT / page).read_text(), re.DOTALL | re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """The headings of a page as GitHub makes anchors of them."""
    headings = re.findall(r"^#+ (.*)$", FENCE.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken(page: Path, link: str) -> bool:
    if re.match(r"[a-z]+:", link):
        return False
    path, _, anchor = link.partition("#")
    target = page.parent / path if path else page
    return not target.exists() or (bool(anchor) and anchor not in anchors(target))


def flows(page: Path) -> list[str]:
    """The YAML blocks of a page that are whole configurations, not fragments.

    Those that need the package of docs/extending.md are left to test_extending.py.
    """
    found = [text for text in blocks(str(page), "yaml") if re.search(r"^flows:", text, re.MULTILINE)]
    return [text for text in found if "type: notes" not in text]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path):
    """Every relative link names a file that exists, and a heading in it."""
    links = LINK.findall(FENCE.sub("", page.read_text()))

    assert [link for link in links if broken(page, link)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_flows_are_right(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Every configuration in the documentation is valid, together with the modules that its page shows."""
    for code in blocks(str(page), "python"):
        if named := re.match(r"# (\w+\.py)\n", code):
            (tmp_path / named[1]).write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    for text in flows(page):
        try:
            parse(text, plugins(), {})
        except ConfigError as error:
            pytest.fail(f"{error}\nin\n{text}")


def test_every_verb_is_documented():
    """docs/cli.md has a section for each command."""
    headings = re.findall(r"^## octo (\w+)$", (ROOT / "docs" / "cli.md").read_text(), re.MULTILINE)

    assert sorted(headings) == sorted({*VERBS, *platform.verbs})


def test_every_option_is_documented():
    """docs/cli.md names each long option of each command."""
    text = (ROOT / "docs" / "cli.md").read_text()
    own = [importlib.import_module(f"octo.cli.{verb}").command for verb in VERBS]
    places = [each.command.partition(":") for each in platform.verbs.values()]
    more = [getattr(importlib.import_module(module), attribute) for module, _, attribute in places]
    commands = [*own, *(each for command in more for each in (command, *getattr(command, "commands", {}).values()))]
    options = {
        option
        for command in commands
        for parameter in command.params
        for option in parameter.opts
        if option.startswith("--")
    }

    assert [option for option in sorted(options) if f"`{option}" not in text] == []


def test_every_code_of_a_problem_is_documented():
    """docs/platform-api.md is what `make docs` writes of the codes."""
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "platform_api.py"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )

    assert (ROOT / "docs" / "platform-api.md").read_text() == done.stdout
    assert [code for code in CODES if f"| `{code}` |" not in done.stdout] == []


@pytest.mark.parametrize("kind", ["block", "connector"])
def test_every_component_is_documented(kind: str):
    """docs/flow-language.md names each block and connector that ships."""
    text = (ROOT / "docs" / "flow-language.md").read_text()
    names = plugins().block_names() if kind == "block" else plugins().connector_names()

    assert [name for name in names if f"`{name}`" not in text] == []


def test_decisions_are_numbered_and_dated():
    """Every decision record has a number and a date."""
    records = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))

    assert [int(path.name[:4]) for path in records] == list(range(1, len(records) + 1))
    assert [path for path in records if not re.search(r"^Date: \d{4}-\d\d-\d\d$", path.read_text(), re.MULTILINE)] == []


# --- what the pages show, run ------------------------------------------------------------------------------------

SPOOL = """
connectors:
  - {{name: inbox, type: spool, settings: {{path: {folder}/in}}}}
  - {{name: outbox, type: spool, settings: {{path: {folder}/out}}}}
flows:
  - name: forward
    source: {{connector: inbox, type: spool, settings: {{every: 10s}}}}
    process:
      - {{type: spool-put, settings: {{connector: outbox, name: body.id}}}}
"""


@virtual()
async def test_connector_of_contributing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The connector in CONTRIBUTING.md is as complete as the page says: it takes, writes, acks and nacks."""
    (tmp_path / "octo_example_spool.py").write_text(blocks("CONTRIBUTING.md", "python")[0])
    monkeypatch.syspath_prepend(tmp_path)
    here = "octo_example_spool:Spool"
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "in" / "good.json").write_text('{"id": "a-1"}')
    (tmp_path / "in" / "bad.json").write_text('{"id": "../a-2"}')

    async with running(SPOOL.format(folder=tmp_path), Plugins({"spool": here}, {"spool-put": here})):
        await asyncio.sleep(60)

    assert [path.name for path in (tmp_path / "in").iterdir()] == ["bad.failed"]
    assert {path.name: json.loads(path.read_text()) for path in (tmp_path / "out").iterdir()} == {
        "a-1.json": {"id": "a-1"}
    }


@virtual()
async def test_connector_of_contributing_conforms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """It keeps the promises that every connector makes, except for the stub, which the page leaves out."""
    (tmp_path / "octo_example_spool.py").write_text(blocks("CONTRIBUTING.md", "python")[0])
    monkeypatch.syspath_prepend(tmp_path)
    spool = importlib.import_module("octo_example_spool").Spool
    numbers = itertools.count()

    async def arrive(_: object) -> None:
        (tmp_path / f"{next(numbers)}.json").write_text("{}")

    await check_connector(
        spool,
        {"path": tmp_path},
        blocks={"spool-put": {"name": "body.id"}},
        message={"id": "a-1"},
        feed={"spool": arrive},
        without={"stub"},
    )


@pytest.mark.parametrize("line", blocks("docs/expressions.md", "cel")[0].splitlines())
def test_expressions_of_the_tour(line: str):
    """Every expression of the five-minute introduction compiles with the names of a message."""
    compile_expr(re.split(r"  +", line)[0], object, Build().scope())


def equations() -> list[str]:
    """The lines of the blocks in which each line says what a function gives."""
    later = [text.splitlines() for text in blocks("docs/expressions.md", "cel")[1:]]
    return [line for lines in later if all(" == " in line for line in lines) for line in lines]


@pytest.mark.parametrize("line", equations())
def test_functions_give_what_is_shown(line: str):
    """Each line of the sections about functions is an expression that is true."""
    assert compile(line, Scope(()))() is True


def test_table_of_xml():
    """`fromXml` gives the values of the table, and `toXml` the XML."""
    rows = re.findall(r"^\| `(<.*?>)` \| `(\{.*\})` \|$", (ROOT / "docs/expressions.md").read_text(), re.MULTILINE)
    assert len(rows) >= 5

    for text, value in rows:
        assert compile(f"fromXml('{text}') == {value}", Scope(()))() is True
        assert compile(f"toXml({value}) == '{text}'", Scope(()))() is True


@pytest.mark.parametrize("page", ["docs/cli.md", "docs/expressions.md"])
def test_shown_evaluations(page: str):
    """`octo eval` prints the results that the documentation shows."""
    shown = [text.splitlines() for text in blocks(page, "console") if text.startswith("$ octo eval")]
    assert shown

    for command, *expected in shown:
        arguments = [sys.executable, "-m", *shlex.split(command.removeprefix("$ "))]
        done = subprocess.run(arguments, capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL)
        assert done.stdout.splitlines() == expected


def test_reference_is_fresh():
    """docs/reference.md is up to date with the code; `make docs` writes it."""
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "reference.py"], capture_output=True, text=True, check=True
    )

    assert (ROOT / "docs" / "reference.md").read_text() == done.stdout, "run `make docs`"
