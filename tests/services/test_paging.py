"""Listings in pages."""

from __future__ import annotations

from octo.services.paging import page


def test_pages_go_on_after_one_another():
    names = ["d", "b", "a", "c", "x1"]
    first = page(names, "", "", 3)
    assert first == (("a", "b", "c"), "c")
    assert page(names, "", first.after, 3) == (("d", "x1"), "")
    assert page(names, "x", "", 3) == (("x1",), "")
