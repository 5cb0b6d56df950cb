"""The header `Link`, as servers write it."""

from __future__ import annotations

import pytest

from octo.connectors.http_client.links import linked


@pytest.mark.parametrize(
    ("header", "address"),
    [
        ('<https://h/a?page=2>; rel="next"', "https://h/a?page=2"),
        ("</a?page=2>; rel=next", "/a?page=2"),
        ("</a?page=2>; rel='next'", "/a?page=2"),
        ('<a>; rel="prev", <b>; rel="next", <c>; rel="last"', "b"),
        ('<b>; rel="next last"', "b"),
        ('<b>; REL="Next"', "b"),
        ('<b>;title="a, <c>; rel=\\"next\\"";rel=next', "b"),
        ('<a,b;c>; rel="next"', "a,b;c"),
        ('<a>; title="x; rel=next", <b>; rel="next"', "b"),
        ('<a>; rel="x"; rel="next"', None),
        ('<a>; rel="next"; anchor="#other", <b>; rel="next"', "b"),
        ('<a>; rel="nextish"', None),
        ("<a>", None),
        ("", None),
        ("nonsense, <b>; rel=next", "b"),
        ("<a; rel=next", None),
        (' <b> ; rel = "next" , ', "b"),
        ('<a>; crossorigin; rel="next"', "a"),
        ("," * 100_000, None),
        ('<a>;x="' * 9_000, None),
    ],
)
def test_the_address_of_a_relation(header, address):
    """In quotes or not, among others, in any case; what is broken is passed over."""
    assert linked(header, "next") == address


def test_any_relation_may_be_meant():
    assert linked('<a>; rel="next", <b>; rel="https://example.com/older"', "https://example.com/older") == "b"
