"""The report is one page that shows everything and runs nothing."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser

from octo.suite.coverage import html
from octo.suite.coverage.page import document
from octo.suite.coverage.source import lines

TIMES = "\N{MULTIPLICATION SIGN}"
FLOWS = """
flows:
  # A comment.
  - name: orders
    process:
      - type: if
        name: check
        condition: body > 1
        then:
          - {type: set-payload, value: 'body > 9 ? 1 : 2'}
        else:
          - type: log

            message: body
      # Another one.
      - type: set-payload
        value: |
          {
            "n": body
          }
    workers: 4

  - {name: never, process: [{type: filter, expr: body.a && body.b}]}
service:
  name: after
"""
HOSTILE = """
flows:
  - name: "<script>alert(1)</script>"
    process:
      - type: log
        name: '"><img src=x onerror=alert(1)>'
        message: '"</code><style>*{display:none}</style>&amp;" + (body ? "<i>" : "</i>")'
"""


class Reader(HTMLParser):
    """Collects elements by name, the text of those with a class, and whether all are closed."""

    def __init__(self, page):
        super().__init__()
        self.names, self.attributes, self.open = set(), set(), []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def plain(page):
    """Return the text of a page, with `x` for the multiplication sign."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.split("</style>")[1])).replace(TIMES, "x")


def test_the_page_is_written_into_a_folder_that_may_be_new(cover, tmp_path):
    page = html(cover(FLOWS, ("orders", 5)), tmp_path / "new" / "coverage")

    assert page == tmp_path / "new" / "coverage" / "index.html"
    assert page.read_text().startswith("<!doctype html>")


def test_flows_blocks_branches_and_decisions_are_shown(cover):
    page = plain(document(cover(FLOWS, ("orders", 5))))

    for words in (
        "35.2% 3 of 5 blocks",
        "◐ check if 1x",
        "✓ then 1x",
        "✗ else never",
        "body &gt; 9 ✗ never true ✓ false 1x",
        "never 0.0% never called flows.yaml:22:5",
        "body.a &amp;&amp; body.b ✗ never evaluated",
    ):
        assert words in page, page


def test_what_is_written_in_flows_is_text_and_nothing_else(cover):
    page = document(cover(HOSTILE, ("<script>alert(1)</script>", 1)))
    reader = Reader(page)

    assert reader.open == []
    assert not reader.names & {"script", "img", "i", "link", "iframe"}
    assert not {name for name in reader.attributes if name.startswith("on")}
    assert page.count("<style>") == 1


def test_nothing_but_its_own_style_may_apply(cover):
    page = document(cover(FLOWS))
    style = re.search("<style>(.*)</style>", page, re.DOTALL)[1]
    digest = b64encode(sha256(style.encode()).digest()).decode()

    assert f"default-src 'none'; style-src 'sha256-{digest}'" in page
    assert "style" not in Reader(page).attributes
    assert "url(" not in style


def test_links_lead_to_the_flows(cover):
    page = document(cover(FLOWS))

    assert re.findall('href="#([^"]*)"', page) == re.findall('<section id="([^"]*)"', page) == ["flow-1", "flow-2"]


def test_each_line_has_the_status_of_the_block_it_belongs_to(cover):
    file = cover(FLOWS, ("orders", 5)).files[0]

    assert [(line.number, line.status) for line in lines(file, file.flows[0])] == [
        (3, None),
        (4, None),
        (5, "part"),
        (6, "part"),
        (7, "part"),
        (8, "part"),
        (9, "part"),
        (10, "part"),
        (11, "none"),
        (12, None),
        (13, "none"),
        (14, None),
        (15, "full"),
        (16, "full"),
        (17, "full"),
        (18, "full"),
        (19, "full"),
        (20, None),
    ]
    assert [line.number for line in lines(file, file.flows[1])] == [22]


def test_decisions_stand_below_their_line(cover):
    file = cover(FLOWS, ("orders", 5)).files[0]

    assert {line.number: [each.text for each in line.decisions] for line in lines(file, file.flows[0])}[9] == [
        "body > 9"
    ]


def test_a_block_of_an_error_chain_belongs_to_its_flow(cover):
    file = cover("flows:\n- name: f\n  process: []\n  error:\n  - type: log\n    message: body\n- name: g\n").files[0]

    assert [line.status for line in lines(file, file.flows[0])] == [None, None, None, "none", "none"]


def test_a_flow_without_its_file_is_drawn_all_the_same(cover):
    result = cover(FLOWS, ("orders", 5))
    unread = result._replace(files=tuple(file._replace(source="") for file in result.files))

    assert "check" in plain(document(unread))
    assert "workers: 4" not in document(unread)
