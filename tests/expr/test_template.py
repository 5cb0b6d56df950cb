"""From a text to its fixed parts and its spans."""

import pytest

from octo.expr.errors import ExprError
from octo.expr.template import Template


def spans(text: str, name: str = "a.txt") -> list[str]:
    template = Template(name, text)
    return [part if isinstance(part, str) else f"<{part.text}>" for part in template.parts(template.is_markup)]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", []),
        ("plain", ["plain"]),
        ("a{{ b }}c", ["a", "<b>", "c"]),
        ("{{b}}{{c}}", ["<b>", "<c>"]),
        ('{{ {"a": {"b": 1}} }}', ['<{"a": {"b": 1}}>']),
        ('{{{"a": 1}}}', ['<{"a": 1}>']),
        ('{{ "}}" }}', ['<"}}">']),
        ("{{ '{{' }}", ["<'{{'>"]),
        ('{{ "\\"}}" }}', ['<"\\"}}">']),
        ("{{ a // }} no\n }}", ["<a // }} no>"]),
        ("a { b } }} c", ["a { b } }} c"]),
        ("{{\n  body.\n  name\n}}", ["<body.\n  name>"]),
    ],
)
def test_a_span_ends_where_its_expression_does(text, parts):
    """Braces of maps and in texts do not end it."""
    assert spans(text) == parts


@pytest.mark.parametrize(
    ("text", "place", "why"),
    [
        ("a\n {{ b + }}", "2:8", "found end of text"),
        ("{{\n a\n ^ }}", "3:2", ""),
        ("\n{{ a", "2:1", "not closed"),
        ("{{ {a }}", "1:1", "not closed"),
        ("{{ a } }}", "1:1", "not closed"),
        ("x {{ }}", "1:6", "empty"),
        ("{{#if a}}", "1:3", ""),
    ],
)
def test_a_bad_span_is_shown_at_its_place(text, place, why):
    """In the file of the template."""
    with pytest.raises(ExprError) as caught:
        Template("a.txt", text)

    assert (f"{caught.value.line}:{caught.value.column}", why in caught.value.message) == (place, True)


@pytest.mark.parametrize(
    ("name", "text", "escape", "is_markup"),
    [
        ("a.html", "", "", True),
        ("b/a.HTM", "", "", True),
        ("a.svg", "", "", True),
        ("a.xml.tmpl", "", "", True),
        ("a.tmpl", "<!doctype html>", "", True),
        ("a.tmpl", "\n  <li>", "", True),
        ("a", "<li>", "", True),
        ("a.tmpl", "Dear", "", False),
        ("a.txt", "<li>", "", False),
        ("a.md", "<li>", "", False),
        ("a.json", "", "", False),
        ("a.txt", "", "html", True),
        ("a.html", "", "none", False),
    ],
)
def test_which_are_markup(name, text, escape, is_markup):
    """By the author's word, else by the name of the file, else by what the text begins with."""
    assert Template(name, text, escape).is_markup is is_markup


def test_a_span_in_an_unsafe_place_is_refused_unless_its_author_vouches_for_it():
    """With its place."""
    with pytest.raises(ExprError) as caught:
        Template("a.html", "<p>\n<p class={{ a }}>")
    assert (caught.value.code, caught.value.line, caught.value.column) == ("OCTO-E110", 2, 13)

    assert spans("<p class={{ raw(a) }}>", "a.html") == ["<p class=", "<raw(a)>", ">"]
    assert spans("<p class={{ a }}>", "a.txt")


def test_a_template_is_bounded():
    """Nobody means a template of megabytes."""
    with pytest.raises(ExprError, match="at most"):
        Template("a.txt", "x" * (1024 * 1024 + 1))


@pytest.mark.parametrize("text", ["<p", "<p ", '<p a="', "<p a=b", "<script>x", "<style>", '<b>{{ 1 }}</b>\n<a href="'])
def test_a_template_ends_outside_of_tags(text):
    """Else what another template writes behind it would be read in the tag, where it was not escaped for."""
    with pytest.raises(ExprError, match="ends inside of") as caught:
        Template("a.html", text)

    assert caught.value.line == text.count("\n") + 1
    Template("a.txt", text)


@pytest.mark.parametrize("text", ["a < ", "1 <", "<!-- a", "<!doctype", "<p></p>", "<script></script>"])
def test_a_template_may_end_in_text_or_a_comment(text):
    """There nothing is read as code."""
    assert Template("a.html", text).parts(True) == [text]
