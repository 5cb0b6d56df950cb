"""The files of the pages: complete, without anything inline, and without a way for data to become markup."""

from __future__ import annotations

import json
import posixpath
import re

import pytest

from octo_platform.auth import policy
from octo_platform.pages import shelf

PAGES = shelf.pages()
STATIC = shelf.static()
SCRIPTS = {path: each.content.decode() for path, each in STATIC.items() if path.endswith(".js")}

INLINE = re.compile(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|javascript:", re.IGNORECASE)
MARKUP = re.compile(r"(inner|outer)HTML|insertAdjacentHTML|document\.write|DOMParser|\beval\(|\bFunction\(|srcdoc")


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_whole_and_has_nothing_inline(path: str) -> None:
    """The policy of the guard allows only scripts and styles that are files of this platform."""
    text = PAGES[path].content.decode()
    assert "[[" not in text
    assert INLINE.findall(text) == []
    named = re.findall(r'(?:src|href)="/pages/([^"#]+)', text)
    assert named
    assert [each for each in named if each not in STATIC] == []


@pytest.mark.parametrize("path", SCRIPTS)
def test_a_script_is_checked_and_parses_no_markup(path: str) -> None:
    text = SCRIPTS[path]
    assert text.startswith("// @ts-check\n")
    assert MARKUP.findall(text) == []
    there = posixpath.dirname(path)
    for each in re.findall(r'(?:from|import\()\s*"([^"]+)"', text):
        assert posixpath.normpath(posixpath.join(there, each)) in STATIC


def test_every_icon_is_drawn() -> None:
    drawn = {*re.findall(r'id="(\w+)"', STATIC["icons.svg"].content.decode())}
    pages = "".join(each.content.decode() for each in PAGES.values())
    used = {*re.findall(r"icons\.svg#(\w+)", pages)}
    for text in SCRIPTS.values():
        used |= {*re.findall(r'icon\("(\w+)"\)', text)}
    used |= {*re.findall(r'\["[^"]*", "[^"]*", "(\w+)", "[\w.]+"\]', SCRIPTS["parts/frame.js"])}
    assert used - drawn == set()


def test_the_pages_have_the_policy_itself() -> None:
    table = json.loads(STATIC["policy.json"].content)
    assert {action: {*roles} for action, roles in table["roles"].items()} == policy.POLICY
    assert {*table["everybody"]} == policy.OPEN | policy.OWN
    assert {*table["everywhere"]} == policy.PLATFORM_WIDE


def test_every_action_that_a_page_names_is_in_the_policy() -> None:
    named = {each for text in SCRIPTS.values() for each in re.findall(r'"([a-z]+\.(?:read|write|list))"', text)}
    assert named
    assert {each for each in named if not policy.is_known(each)} == set()
