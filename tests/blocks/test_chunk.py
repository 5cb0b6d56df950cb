"""chunk cuts texts and documents into pieces."""

from __future__ import annotations

import pytest

from octo.blocks import chunk as module
from octo.config.load import parse
from octo.core.errors import ConfigError
from octo.core.flow import Failure
from octo.testing.harness import running

FLOWS = """
flows:
  - {name: body, process: [{type: chunk, by: words, size: 7, overlap: 0}]}
  - {name: variable, process: [{type: chunk, text: body.page, by: words, size: 7, overlap: 3, as: pieces}]}
  - {name: markdown, process: [{type: chunk, by: headings}]}
  - name: raw
    process:
      - {type: set-payload, value: body, rawBody: true, contentType: text/plain; charset=latin-1}
      - {type: chunk, by: words, size: 7, overlap: 0}
"""


@pytest.fixture
async def app(plugins):
    async with running(FLOWS, plugins) as app:
        yield app


async def test_a_text_becomes_a_list_of_pieces(app):
    """Their places are those in the text."""
    assert (await app.call("body", "one two  three")).body == [
        {"text": "one two", "index": 0, "start": 0, "end": 7},
        {"text": "three", "index": 1, "start": 9, "end": 14},
    ]
    assert (await app.call("body", " \n")).body == []


async def test_the_pieces_can_stand_in_a_variable(app):
    outcome = await app.call("variable", {"page": "one two six ten"})

    assert outcome.body == {"page": "one two six ten"}
    assert [each["text"] for each in outcome.vars["pieces"]] == ["one two", "two six", "six ten"]


async def test_pieces_have_the_keys_of_their_document_and_ids_of_their_own(app):
    """So a document that comes again replaces its own pieces in a vector store, and can be deleted as a whole."""
    documents = [{"id": "guide", "text": "one two six", "lang": "en"}, {"text": "ten"}, "six"]

    assert (await app.call("body", documents)).body == [
        {"id": "guide#0", "document": "guide", "lang": "en", "text": "one two", "index": 0, "start": 0, "end": 7},
        {"id": "guide#1", "document": "guide", "lang": "en", "text": "six", "index": 1, "start": 8, "end": 11},
        {"text": "ten", "index": 0, "start": 0, "end": 3},
        {"text": "six", "index": 0, "start": 0, "end": 3},
    ]


async def test_pieces_of_markdown_know_their_headings(app):
    pieces = (await app.call("markdown", "# Install\ntext\n## Linux\napt")).body

    assert [(each["text"], each["heading"]) for each in pieces] == [
        ("# Install\ntext", "Install"),
        ("## Linux\napt", "Install > Linux"),
    ]


async def test_a_large_text_is_cut_in_a_thread(app):
    """So that other messages go on meanwhile."""
    pieces = (await app.call("body", "one two " * 40_000)).body

    assert (len(pieces), pieces[-1]) == (40_000, {"text": "one two", "index": 39_999, "start": 319_992, "end": 319_999})


async def test_raw_content_is_read_in_its_charset(app):
    """As a file that was sent."""
    assert [each["text"] for each in (await app.call("raw", "née née")).body] == ["née née"]


@pytest.mark.parametrize("body", [None, 7, {"title": "x"}, [{"text": 7}], [None]])
async def test_what_is_no_text_is_refused(app, body):
    with pytest.raises(Failure, match="needs a text"):
        await app.call("body", body)


async def test_the_text_and_the_number_of_pieces_are_bounded(app, monkeypatch):
    monkeypatch.setattr(module, "MOST_PIECES", 2)
    with pytest.raises(Failure, match="at most 2 pieces"):
        await app.call("body", "one two six ten abc def")
    monkeypatch.setattr(module, "MOST_CHARACTERS", 5)
    with pytest.raises(Failure, match="at most 5 characters"):
        await app.call("body", "one two")


def test_an_overlap_of_more_than_half_is_refused(plugins):
    """Pieces that bring little new would make many of few."""
    with pytest.raises(ConfigError, match="at most half"):
        parse("flows: [{name: f, process: [{type: chunk, size: 100, overlap: 51}]}]", plugins, {})
