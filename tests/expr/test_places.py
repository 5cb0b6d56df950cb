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
        (['<img src="data:image/png;base64,'], "htmlText"),
        (['<a href="/'], "htmlPath"),
        (['<a href=" /', ""], "htmlPath"),
        (['<script src="/'], "htmlPath"),
        (['<script src="/js/'], "htmlText"),
        (['<script src="js/'], "htmlText"),
        (['<script src="https://cdn.example.com/'], "htmlText"),
        (['<script src="//cdn.example.com?v='], "htmlText"),
        (['<a href="', "/x:"], "htmlText"),
        (["<!--> <script>"], "htmlScript"),
        (["<!---> <script>"], "htmlScript"),
        (["<!-- --!> <script>"], "htmlScript"),
        (["<!-- -- > <script>"], "htmlText"),
        (['<svg><title><a href="'], "htmlLink"),
        (["<svg/><title><script>"], "htmlText"),
        (["<svg></svg><title><script>"], "htmlText"),
        (["<svg><script>"], "htmlScript"),
        (["<script><!-- <script> </script> "], "htmlScript"),
        (["<script><!-- <script> --> </script> "], "htmlText"),
        (["<script><!-- <script> </script> </script> "], "htmlText"),
        (["<script><!--> <script> </script> "], "htmlText"),
        (["<script> <script> </script> "], "htmlText"),
        (["<script></script\xa0> "], "htmlScript"),
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
        ('<svg><set attributeName="href" to="', "as what an animation sets"),
        ('<svg><a><animate values="', "as what an animation sets"),
        ('<a href=" JavaScript : ', "in an address that is a script"),
        ('<a href="data:text/html,', "in an address that is a script"),
        ('<a href="java&#115;cript:', "in an address that is a script"),
        ('<a href="\x01java\n&Tab;script&colon;', "in an address that is a script"),
        ('<img src="data:image/svg+xml;base64,', "in an address that is a script"),
        ('<img src="data:image/png,', "in an address that is a script"),
        ('<script src="data:image/png;base64,', "in an address that is a script"),
        ('<script src="', "as the server that scripts come from"),
        ('<script src="//', "as the server that scripts come from"),
        ('<script src="https://', "as the server that scripts come from"),
        ('<script src="https:', "as the server that scripts come from"),
        ('<script src="app', "as the server that scripts come from"),
        ('<script src="/\\', "as the server that scripts come from"),
        ('<base href="', "as the server that scripts come from"),
    ],
)
def test_places_without_a_safe_way_are_refused(piece, where):
    """There a value can become code without any sign that could be escaped."""
    assert f"cannot be written safely {where}" in way(piece)


@pytest.mark.parametrize("pieces", [['<a href="', ":"], ['<a href="', "://"], ['<a href="x', "&colon;"]])
def test_a_value_is_no_scheme(pieces):
    """Else it could be `javascript`, with a program behind it."""
    assert "behind a value that is the scheme" in way(*pieces)


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


def test_only_the_beginning_of_long_names_and_addresses_is_kept():
    """Else a template of a megabyte would take minutes."""
    scanner = Scanner()
    scanner.read("<a " + "b" * 10_000)
    scanner.read("c" * 10_000 + ' href="' + "x" * 10_000)
    for _ in range(10_000):
        assert scanner.way() == "htmlLink"
        scanner.read("y")

    assert (scanner.tag, scanner.attribute) == ("a", "href")
    assert len(scanner.before) < 1_000
