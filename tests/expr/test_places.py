"""Where a value stands in markup, and the places that no escaping makes safe."""

import pytest

from octo.expr.errors import ExprError
from octo.expr.places import Scanner


def way(*pieces: str) -> str:
    """The way of the value behind the last piece; there is a value behind each of the others, too."""
    scanner = Scanner()
    for piece in pieces[:-1]:
        scanner.read(piece)
        scanner.way()
    scanner.read(pieces[-1])
    try:
        return scanner.way()
    except ExprError as error:
        return error.message


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        (["<p>"], "htmlText"),
        (["", ""], "htmlText"),
        (["1 < 2 "], "htmlText"),
        (["<p title='a>b' class=x>"], "htmlText"),
        (['<p title="'], "htmlText"),
        (["<p title = '"], "htmlText"),
        (['<p title="a ', " b"], "htmlText"),
        (["<!-- <script> "], "htmlText"),
        (["<!-- <script> -->"], "htmlText"),
        (["<!doctype html>"], "htmlText"),
        (["<title>"], "htmlText"),
        (["<title>", "</title><script>"], "htmlScript"),
        (["<script>let a = 1 < 2;"], "htmlScript"),
        (['<SCRIPT type="x">'], "htmlScript"),
        (["<script></script>"], "htmlText"),
        (["<script>'</scripted>';"], "htmlScript"),
        (["<script></ScRiPt >"], "htmlText"),
        (["<script src='x'/>"], "htmlScript"),  # browsers know no empty script
        (['<a href="'], "htmlLink"),
        (['<a href="java'], "htmlLink"),
        (['<a href="', ""], "htmlLink"),
        (['<a href="/x/'], "htmlText"),
        (['<a href="?q='], "htmlText"),
        (['<a HREF="mailto:'], "htmlText"),
        (["<img src='"], "htmlLink"),
        (["<use xlink:href='"], "htmlLink"),
    ],
)
def test_each_place_has_its_way(pieces, expected):
    """As browsers read it, also where a tag or an attribute goes on behind a value."""
    assert way(*pieces) == expected


@pytest.mark.parametrize(
    ("piece", "where"),
    [
        ("<p class=", "as an attribute without quotes"),
        ("<p class=a", "as an attribute without quotes"),
        ("<script>a = '", "between quotes in a script"),
        ('<script>a = "', "between quotes in a script"),
        ("<p ", "between the attributes"),
        ("<p hid", "between the attributes"),
        ('<p a="b" ', "between the attributes"),
        ("<p", "between the attributes"),
        ("<", "in the name of a tag"),
        ("</", "in the name of a tag"),
        ("<style>", "in a style sheet"),
        ('<p onclick="', "in the attribute `onclick`"),
        ("<p ONLOAD='", "in the attribute `onload`"),
        ('<p style="', "in the attribute `style`"),
        ('<iframe srcdoc="', "in the attribute `srcdoc`"),
        ('<a href="javascript:', "in an address that is a script"),
        ('<a href=" JavaScript : ', "in an address that is a script"),
        ('<a href="data:text/html,', "in an address that is a script"),
    ],
)
def test_places_without_a_safe_way_are_refused(piece, where):
    """There a value can become code without any sign that could be escaped."""
    assert f"cannot be written safely {where}" in way(piece)


@pytest.mark.parametrize("piece", ["<", "</", "<h", "<p ", "<p x"])
def test_behind_a_vouched_value_the_tag_goes_on(piece):
    """What follows is still inside of it."""
    scanner = Scanner()
    scanner.read(piece)
    with pytest.raises(ExprError):
        scanner.way()
    scanner.read(" class=")

    with pytest.raises(ExprError, match="without quotes"):
        scanner.way()


def test_the_end_of_an_unsafe_place_is_found():
    """So that a vouched value there does not spoil the rest."""
    scanner = Scanner()
    scanner.read("<p class=")
    with pytest.raises(ExprError):
        scanner.way()
    scanner.read(' title="')

    assert (scanner.way(), scanner.attribute) == ("htmlText", "title")
