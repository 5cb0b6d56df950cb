"""The pages say of each source and of each sink what the code declares."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from octo.config.shipped import shipped
from octo.core.promise import STEPS, sentence

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = {
    **dict.fromkeys(("cron", "events", "queue", "queue-dispatch", "publish-event", "log"), "flow-language.md"),
    **dict.fromkeys(("object-write", "object-delete", "invalidate-cache"), "flow-language.md"),
    **dict.fromkeys(("ai-embed", "ai-mapping", "ai-prompt", "ai-retry", "ai-router"), "ai.md"),
    "ai-agent": "agents.md",
    **dict.fromkeys(("vector-delete", "vector-fetch", "vector-query", "vector-upsert"), "rag.md"),
    **dict.fromkeys(("pinecone-delete", "pinecone-fetch", "pinecone-query", "pinecone-upsert"), "rag.md"),
    **dict.fromkeys(("web-search", "tavily-search", "tavily-extract", "tavily-crawl", "tavily-map"), "web-search.md"),
    "static": "http.md",
    "rest": "http-client.md",
    "rest-dynamic": "http-client.md",
    "sql": "databases.md",
    "sse-event": "sse.md",
}
"""The page of a source or a block, if it is not called as its connector."""


def declared() -> list[tuple[str, str, list[str]]]:
    """The name, the page, and the sentences of each."""
    known = shipped()
    found = [(each, connector["type"]) for connector in known["connectors"] for each in connector["sources"]]
    found += [(each, (each["connector"] or {}).get("type", "")) for each in known["blocks"] if each["promises"]]
    return [
        (each["type"], PAGES.get(each["type"], f"{connector}.md"), [sentence(one) for one in each["promises"]])
        for each, connector in found
    ]


def said(page: str, names: set[str]) -> dict[str, list[str]]:
    """The lines of a page for each name: those that name it, and those below that name none."""
    found: dict[str, list[str]] = {name: [] for name in names}
    about: set[str] = set()
    for line in page.splitlines():
        if here := {name for name in names if re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", line)}:
            about = here
        for name in about:
            found[name].append(line)
    return found


@pytest.mark.parametrize(
    ("name", "page", "sentences"), declared(), ids=lambda each: each if isinstance(each, str) else ""
)
def test_the_page_says_what_is_declared(name, page, sentences):
    """In the words of `octo doc`, so that they can be compared."""
    assert (DOCS / page).exists(), f"{name} has no page: write docs/{page}, or name its page in PAGES"
    names = {each for each, other, _ in declared() if other == page}
    lines = "\n".join(said((DOCS / page).read_text(), names)[name])
    assert [each for each in sentences if each not in lines] == [], f"write these into docs/{page}, beside `{name}`"


@pytest.mark.parametrize("page", sorted({page for _, page, _ in declared()}))
def test_the_page_promises_nothing_else(page):
    sentences = {each for _, other, found in declared() if other == page for each in found}
    told = re.findall(
        r"(?:Guarantee: |With `[^`]+`: )(?:answered|at least once|at most once)\.[^|\n]*", (DOCS / page).read_text()
    )
    assert [each for each in told if each.strip() not in sentences] == []


def test_the_tables_of_the_page_are_fresh():
    spec = importlib.util.spec_from_file_location("guarantees", ROOT / "scripts" / "guarantees.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert script.PAGE.read_text() == script.page(shipped()), "run `make docs`"


def test_every_step_is_explained():
    page = (DOCS / "guarantees.md").read_text()
    assert [each for each in STEPS if each not in ("send", "confirm") and f"| {each} | {STEPS[each]}" not in page] == []
