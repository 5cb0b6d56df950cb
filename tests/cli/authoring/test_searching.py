"""Search by words, pages and samples."""

from __future__ import annotations

import pytest

from octo.cli.authoring import searching
from octo.cli.authoring.refusal import Refused
from octo.cli.authoring.searching import Entry, example, page, ranked, search, sections, words


def entry(title: str, text: str) -> Entry:
    return Entry("page", title, text, ("doc", {}))


def test_words_are_compared_without_their_endings():
    assert list(words("How the Messages of a queue were retried")) == ["messag", "queu", "were", "retri"]


def test_what_has_more_of_the_words_comes_first():
    """Rare words count more than common ones, and those of a title more than those of a text."""
    common = [entry(f"{number}", "flow flow flow") for number in range(10)]
    rare, titled, both = entry("a", "flow lease"), entry("lease", "flow"), entry("b", "flow lease queue")

    assert ranked([*words("lease")], [*common, rare, titled]) == [titled, rare]
    assert ranked([*words("lease queue")], [*common, rare, both])[0] == both
    assert ranked([*words("nowhere")], common) == []


def test_a_page_falls_into_its_headings():
    """A `#` in a code block is none."""
    text = "# A\none\n```\n# no heading\n```\n## B\ntwo\n"

    assert list(sections(text)) == [("A", "# A\none\n```\n# no heading\n```"), ("B", "## B\ntwo")]


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("retry failed calls", ("doc", "retry")),
        ("stub a connector in tests", ("doc", "testing#Stubs")),
        ("database query", ("doc", "sql")),
        ("cron schedule", ("doc", "cron")),
        ("handle errors", ("doc", "handle-errors")),
        ("OCTO-C130", ("explain", "OCTO-C130")),
        ("http endpoint flow", ("example", "new-http")),
        ("sum of a list", ("doc", "sum")),
    ],
)
def test_what_is_found(query, wanted):
    """What somebody who asks this needs is among the first ten."""
    reads = [each["read"] for each in search(query, 10)["results"]]

    assert wanted in [(each["tool"], *each["arguments"].values()) for each in reads]


def test_all_that_is_found_can_be_read():
    """Each page and sample that a result names is there."""
    for each in searching._entries():
        tool, arguments = each.read
        if each.kind == "page":
            assert page(arguments["name"])
        if tool == "example":
            assert example(arguments["name"])["files"]


def test_pages():
    """A name of a page that is also one of a block is the block, unless it ends in `.md`."""
    assert page("errors").startswith("# ")
    assert page("docs/errors.md") == page("errors")
    assert page("nats") is None
    assert page("nats.md").startswith("# ")
    assert page("no-such-page") is None
    with pytest.raises(Refused, match="no heading 'Nothing'"):
        page("errors#Nothing")


def test_a_long_page_is_read_in_parts():
    assert len(page("testing.md")) < 8_000
    assert "- testing#Stubs" in page("testing.md")


def test_samples():
    """Each says what it shows; those of `octo new` are there too."""
    known = {each["name"]: each["about"] for each in example("")["samples"]}

    assert {"new-http", "new-cron", "http-orders", "retry-post"} <= set(known)
    assert all(known.values())
    assert "ai-agent-sse/index.html" in example("ai-agent-sse")["files"]
    assert set(example("html-page")["files"]) >= {"html-page.yaml", "html-page_test.yaml", "html-page/orders.html"}
    with pytest.raises(Refused, match="there is no sample"):
        example("nothing")
