"""Values in markup stay text."""

import html
import json

import pytest

from octo.expr import markup
from octo.expr.nodes import Call
from octo.expr.parser import parse

HOSTILE = ["<b>", "'\"&", "</script>", "\\", '\\"', "\u2028", "😀", "${x}", "`", "a;b//"]


@pytest.mark.parametrize("value", HOSTILE)
def test_text_means_what_it_was(value):
    """And has no sign that ends a text or an attribute."""
    written = markup.text(value)

    assert html.unescape(written) == value
    assert not {*"<>\"'"} & {*written}


@pytest.mark.parametrize("value", [*HOSTILE, {"</script>": ["'", 1.5, None, True]}, 5, None])
def test_a_script_gets_json(value):
    """Its texts have only letters, digits and escapes: even between quotes of the author they end nothing."""
    written = markup.script(value)

    assert json.loads(written) == value
    assert not {*"<>&'`$;/\u2028"} & {*written}
    assert '\\"' not in written


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("https://octo.example/?a=1&b=2", "https://octo.example/?a=1&amp;b=2"),
        ("/path:with:colons", "/path:with:colons"),
        ("?a:b", "?a:b"),
        ("page.html", "page.html"),
        ("MAILTO:ada@octo.example", "MAILTO:ada@octo.example"),
        ("javascript:alert(1)", "about:invalid"),
        (" JavaScript:alert(1)", "about:invalid"),
        ("java\nscript:alert(1)", "about:invalid"),
        ("\x01javascript:alert(1)", "about:invalid"),
        ("data:text/html,x", "about:invalid"),
        ("data:image/svg+xml;base64,PHN2Zz4=", "about:invalid"),
        ("data:image/png;base64,iVBORw0KGgo=", "data:image/png;base64,iVBORw0KGgo="),
        (":alert(1)", "about:invalid"),
        ("vbscript:x", "about:invalid"),
    ],
)
def test_a_link_leads_to_a_page(value, written):
    """Addresses that are scripts lead nowhere, however they are disguised."""
    assert markup.link(value) == written


def shown(node) -> str:
    """The tree with its calls in words."""
    if isinstance(node, Call) and node.target is None:
        return f"{node.name}({', '.join(map(shown, node.arguments))})"
    parts = [getattr(node, each, None) for each in ("then", "otherwise", "left", "right", "body", "target")]
    found = [shown(each) for each in parts if each is not None]
    found += [shown(each) for each in getattr(node, "arguments", ())]
    return f"[{' '.join(found)}]" if found else "."


@pytest.mark.parametrize(
    ("span", "tree"),
    [
        ("body.name", "htmlText(.)"),
        ("raw(body.name)", "raw(.)"),
        ('templateResource("row")', "htmlTemplate(.)"),
        ('body.ok ? templateResource("a") : "no"', "[htmlTemplate(.) htmlText(.)]"),
        ('body.ok ? "yes" : "no"', "htmlText([. .])"),
        ('templateResource("a") + body.b', "[htmlTemplate(.) htmlText(.)]"),
        ("body.a + body.b", "htmlText([. .])"),
        ('body.map(i, templateResource("a")).join("")', "[[htmlTemplate(.)] htmlText(.)]"),
        ('body.map(i, i.x).join("")', "htmlText([[.] .])"),
        ('cel.bind(x, body.a, templateResource("a") + x)', "[[htmlTemplate(.) htmlText(.)]]"),
        ('templateResource("a").trim()', "htmlText([htmlTemplate(.)])"),
        ('[templateResource("a")].join("")', "htmlText([. .])"),
    ],
)
def test_only_markup_is_not_escaped(span, tree):
    """What cannot be told to be markup is escaped."""
    expected = tree.replace("htmlText([htmlTemplate", "htmlText([templateResource")

    assert shown(markup.marked(parse(span), "htmlText")) == expected


def test_json_is_not_written_twice():
    """`toJson(x)` in a script means what `x` means there."""
    assert shown(markup.marked(parse("toJson(body)"), "htmlScript")) == "htmlScript(.)"
    assert shown(markup.marked(parse("toJson(body)"), "htmlText")) == "htmlText(toJson(.))"


def test_in_other_places_everything_is_escaped():
    """A template inside an attribute is no markup there."""
    assert shown(markup.marked(parse('templateResource("a")'), "htmlLink")) == "htmlLink(templateResource(.))"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("a/b?c=1&d", "a/b?c=1&amp;d"),
        ("", ""),
        (7, "7"),
        ("/evil.example/x.js", "%2Fevil.example/x.js"),
        ("\t/evil.example", "%2Fevil.example"),
        ("\\\\evil.example", "%5C\\evil.example"),
    ],
)
def test_what_follows_the_first_slash_is_a_path(value, written):
    """With a second slash it would begin with another server."""
    assert markup.path(value) == written
