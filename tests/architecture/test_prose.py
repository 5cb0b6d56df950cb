"""The form of the pages: how each begins, how long a paragraph is, that tables are whole, and what leads to what."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = sorted((ROOT / "docs").glob("*.md"))
RECORDS = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
TOP = [ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "docs/decisions/README.md")]
SAMPLES = sorted((ROOT / "samples").rglob("README.md"))
WRITTEN = [*TOP, *DOCS, *SAMPLES]
PAGES = [page for page in [*WRITTEN, *RECORDS] if page.name != "reference.md"]
"""Without the one that is made of docstrings, each as long as its subject needs."""

PATH = (
    *("README.md", "docs/README.md", "docs/cli.md", "docs/flow-language.md", "docs/expressions.md", "docs/http.md"),
    *("docs/http-client.md", "docs/databases.md", "docs/testing.md", "docs/errors.md", "docs/operations.md"),
)
"""The pages in the order in which a newcomer reads them. Each ends with the way to the next."""

OPENING, PARAGRAPH, CELL = 50, 80, 60
"""At most so many words."""

FENCE = re.compile(r"^( *)```.*?^\1```$", re.DOTALL | re.MULTILINE)
COMMENT = re.compile(r"^<!--.*?-->$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
ENDS = re.compile(r"[.!?](?= |$)")
CONSOLE = re.compile(r"^ *```console\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def parts(page: Path) -> Iterator[str]:
    """Headings, paragraphs, items of lists and tables of a page in their order; a code block is three backticks."""
    text = COMMENT.sub("", FENCE.sub("\n```\n", page.read_text()))
    for part in re.split(r"\n\s*\n|\n(?= *(?:[-*]|\d+\.) )|\n(?=#)|(?<=```)\n", text):
        if part.strip():
            yield part.strip("\n")


def is_prose(part: str) -> bool:
    return not part.lstrip().startswith(("|", "#", "```", "<", "!["))


def tables(page: Path) -> Iterator[list[str]]:
    for part in parts(page):
        if part.lstrip().startswith("|"):
            yield part.splitlines()


def cells(row: str) -> list[str]:
    """A pipe divides cells even inside of code, unless a backslash stands before it."""
    return re.split(r"(?<!\\)\|", row.strip())[1:-1]


def plain(part: str) -> str:
    """Without code and addresses of links, whose dots end no sentence."""
    return " ".join(re.sub(r"`+[^`]*`+", "code", LINK.sub(r"\1", part)).split())


@pytest.mark.parametrize("page", WRITTEN, ids=name)
def test_a_page_begins_with_what_it_is_for(page: Path):
    """One or two sentences under the title, before any list, table, picture or heading."""
    title, first, *_ = parts(page)

    assert title.startswith("# ")
    assert is_prose(first), first
    assert not re.match(r" *([-*]|\d+\.) ", first), first
    assert 1 <= len(ENDS.findall(plain(first))) <= 2, first
    assert len(first.split()) <= OPENING, first


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_paragraphs_are_short(page: Path):
    """At most 80 words; who has more to say makes a list, a table or an example of it."""
    prose = [part for part in parts(page) if is_prose(part)]

    assert [part for part in prose if len(part.split()) > PARAGRAPH] == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_tables_are_whole(page: Path):
    """Each row has as many cells as the head, and no cell is a paragraph."""
    for head, *rows in tables(page):
        ruler = rows[0] if rows else ""
        assert re.fullmatch(r" *\|( *:?-+:? *\|)+", ruler), f"an empty line cuts this table: {head}"
        assert [row for row in rows if len(cells(row)) != len(cells(head))] == []
        assert [cell for row in rows for cell in cells(row) if len(cell.split()) > CELL] == []


@pytest.mark.parametrize(("page", "following"), list(pairwise(PATH)))
def test_there_is_a_path_for_newcomers(page: str, following: str):
    """The last line of each page of the path leads to the next one."""
    last = (ROOT / page).read_text().rstrip().splitlines()[-1]

    [link] = re.findall(r"^Next: \[[^\]]+\]\(([^)#]+)\)", last)
    assert ((ROOT / page).parent / link).resolve() == ROOT / following


def test_the_index_has_every_page():
    """docs/README.md names each page once, in a row with what it is for."""
    rows = re.findall(
        r"^\| \[[^\]]+\]\(([\w.-]+\.md)\) \| \w.*\|$", (ROOT / "docs/README.md").read_text(), re.MULTILINE
    )

    assert sorted(rows) == [page.name for page in DOCS if page.name != "README.md"]


def test_every_picture_is_shown():
    """No picture is drawn for nothing."""
    shown = {
        (page.parent / link).resolve()
        for page in PAGES
        for link in re.findall(r'(?:\]\(|src="|srcset=")([\w./-]+\.(?:svg|png))', page.read_text())
    }

    assert [path.name for path in sorted((ROOT / "docs/pictures").iterdir()) if path not in shown] == []


# --- samples -----------------------------------------------------------------------------------------------------


def test_the_table_of_samples_is_whole():
    """samples/README.md has a row for each sample, with its file and the command that the sample begins with."""
    samples = ROOT / "samples"
    files = [*samples.glob("*.yaml"), *(samples / "first-week").glob("*.yaml")]
    wanted = sorted(str(file.relative_to(samples)) for file in files if not file.stem.endswith("_test"))
    rows = [cells(row) for table in tables(samples / "README.md") for row in table[2:]]
    found = {linked[1]: row for row in rows if (linked := re.search(r"\]\(([\w/-]+\.yaml)\)", " ".join(row)))}

    assert sorted(found) == wanted
    for file, row in found.items():
        command = row[-1].strip().strip("`")
        assert file in command, command
        assert command.startswith(("octo run ", "octo invoke ")), command
