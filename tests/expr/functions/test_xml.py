"""XML comes back as the map it was, and nothing in a document can do more than be read."""

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from octo.expr import Scope, compile  # noqa: A004 - the name of the API

ROUND_TRIP = compile("fromXml(toXml(v)) == v", Scope(("v",), {"v": "v"}))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("<a/>", {"a": ""}),
        ("<a></a>", {"a": ""}),
        ("<a> x </a>", {"a": " x "}),
        ("<a b=''/>", {"a": {"@b": ""}}),
        ("<a b='1'>x</a>", {"a": {"@b": "1", "#text": "x"}}),
        ("<a>\n  <b>1</b>\n  <c/>\n</a>", {"a": {"b": "1", "c": ""}}),
        ("<a><b/><c/><b>2</b></a>", {"a": {"b": ["", "2"], "c": ""}}),
        ("<a> </a>", {"a": " "}),
        ("<a b='1'> </a>", {"a": {"@b": "1", "#text": " "}}),
        ("<a b='1'> <c/>\n</a>", {"a": {"@b": "1", "c": ""}}),
        ("<p>Hello <b>you</b>!</p>", {"p": {"b": "you", "#text": "Hello !"}}),
        ("<a>&lt;&amp;&#228;<![CDATA[<x>]]></a>", {"a": "<&ä<x>"}),
        ("<?xml version='1.0'?><!-- c --><?p i?><a>x<!-- c -->y</a>", {"a": "xy"}),
        ("<s:a xmlns:s='urn:s' s:b='1'><s:c/></s:a>", {"s:a": {"@xmlns:s": "urn:s", "@s:b": "1", "s:c": ""}}),
        ("\ufeff<a/>", {"a": ""}),
        ("<?xml version='1.0' encoding='iso-8859-1'?><a>ä</a>", {"a": "ä"}),
        (b"<?xml version='1.0' encoding='iso-8859-1'?><a>\xe4</a>", {"a": "ä"}),
        ("<a>ä</a>".encode("utf-16"), {"a": "ä"}),
        ("<a>ä</a>".encode(), {"a": "ä"}),
    ],
)
def test_a_document_is_a_map(evaluate, text, value):
    assert evaluate("fromXml(body)", text) == value


def test_names_can_be_lists_whatever_their_number(evaluate):
    text = "<a><b>1</b><c><b>2</b><b>3</b></c></a>"

    assert evaluate('fromXml(body, {"lists": ["b"]})', text) == {"a": {"b": ["1"], "c": {"b": ["2", "3"]}}}


def test_prefixes_can_be_left_out(evaluate):
    """Every SOAP server chooses its own."""
    text = "<S:Envelope xmlns:S='urn:soap' xmlns='urn:x'><S:Body a:id='1' xmlns:a='urn:a'>x</S:Body></S:Envelope>"

    found = evaluate('fromXml(body, {"prefixes": false})', text)
    assert found == {"Envelope": {"Body": {"@id": "1", "#text": "x"}}}


def test_without_prefixes_no_attribute_is_lost(failure):
    text = "<a x:id='1' y:id='2' xmlns:x='u' xmlns:y='v'/>"

    assert "the attribute '@id' twice" in failure('fromXml(body, {"prefixes": false})', text).message


BOMB = "<!DOCTYPE a [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;'>]><a>&b;</a>"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not XML: no element found (line 1, column 1)"),
        ("text", "not XML: syntax error (line 1, column 1)"),
        ("<a>\n<b></a>", "not XML: mismatched tag (line 2, column 6)"),
        ("<a/><b/>", "not XML: junk after document element (line 1, column 5)"),
        ("<a b='1' b='2'/>", "not XML: duplicate attribute (line 1, column 10)"),
        ("<a>&b;</a>", "not XML: undefined entity (line 1, column 4)"),
        ("<a>\0</a>", "not XML: not well-formed (invalid token) (line 1, column 4)"),
        (b"<a>\xe4</a>", "not XML: not well-formed (invalid token) (line 1, column 4)"),
        (BOMB, "XML with a document type (<!DOCTYPE ...>) is not read"),
        ("<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>", "XML with a document type (<!DOCTYPE ...>) is not read"),
        ("<a>" * 201 + "</a>" * 201, "XML with more than 200 elements inside of one another is not read"),
        (b"<?xml version='1.0' encoding='utf-7'?><a/>", "not XML: its encoding is not known"),
        (b"<?xml version='1.0' encoding='base64'?><a/>", "not XML: its encoding is not known"),
    ],
)
def test_what_is_no_plain_document_is_refused(failure, text, message):
    error = failure("fromXml(body)", text)

    assert (error.code, error.message) == ("OCTO-E206", message)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": None}, "<a/>"),
        ({"a": {}}, "<a/>"),
        ({"a": {"b": []}}, "<a/>"),
        ({"a": [1]}, None),
        ({"a": 1.0}, "<a>1</a>"),
        ({"a": True}, "<a>true</a>"),
        ({"a": b"ab"}, "<a>YWI=</a>"),
        ({"a": "<&>\r\n'\""}, "<a>&lt;&amp;&gt;&#13;\n'\"</a>"),
        ({"a": {"@b": "<&>\r\n\t'\""}}, '<a b="&lt;&amp;&gt;&#13;&#10;&#9;\'&quot;"/>'),
        ({"a": {"@b": None, "@c": 0, "d": [1, "x", None]}}, '<a c="0"><d>1</d><d>x</d><d/></a>'),
        ({"a": {"#text": "x", "b": 1}}, "<a>x<b>1</b></a>"),
        ({"s:a": {"@xmlns:s": "urn:s"}}, '<s:a xmlns:s="urn:s"/>'),
    ],
)
def test_a_map_is_a_document(evaluate, failure, value, text):
    if text is None:
        assert "exactly one root element" in failure("toXml(body)", value).message
    else:
        assert evaluate("toXml(body)", value) == text


def test_a_document_can_be_indented_and_mixed_text_is_kept(evaluate):
    value = {"a": {"b": [1, {"c": {}}], "p": {"#text": "x", "i": "y"}}}

    assert evaluate('toXml(body, {"indent": true, "declaration": true})', value) == (
        '<?xml version="1.0" encoding="UTF-8"?>\n<a>\n  <b>1</b>\n  <b>\n    <c/>\n  </b>\n  <p>x<i>y</i></p>\n</a>'
    )


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({}, "exactly one root element"),
        ({"a": 1, "b": 2}, "exactly one root element"),
        ({"@a": 1}, "exactly one root element"),
        ({"a b": 1}, "'a b' is no name of an XML element or attribute"),
        ({"a": {"b><c": 1}}, "'b><c' is no name"),
        ({"a": {'@b="1" c': 1}}, "is no name"),
        ({"": 1}, "'' is no name"),
        ({"1a": 1}, "'1a' is no name"),
        ({"a": "\0"}, "the element 'a' has a character that XML cannot hold"),
        ({"a": "\ud800"}, "the element 'a' has a character that XML cannot hold"),
        ({"a": {"@b": {}}}, "an attribute or #text of the element 'a' is a map"),
        ({"a": {"b": [[1]]}}, "the element 'b' holds a list directly inside of a list"),
        ({"a": {"#cdata": "x"}}, "'#cdata' is no name of an element"),
    ],
)
def test_what_no_document_can_hold_is_refused(failure, value, message):
    error = failure("toXml(body)", value)

    assert error.code == "OCTO-E209"
    assert message in error.message


def test_a_document_is_not_written_deeper_than_it_is_read(failure):
    value = "x"
    for _ in range(201):
        value = {"a": value}

    assert "at most 200 elements" in failure("toXml(body)", value).message


NAMES = st.sampled_from(["a", "b", "s:c", "_d-1.x", "ä"])
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff"))
VALUES = st.recursive(
    TEXTS,
    lambda inner: (
        st.dictionaries(NAMES, inner | st.lists(inner, min_size=2), min_size=1)
        | st.fixed_dictionaries({"@id": TEXTS, "#text": TEXTS.filter(bool)})
    ).flatmap(lambda fields: st.dictionaries(NAMES.map("@{}".format), TEXTS).map(lambda extra: {**extra, **fields})),
    max_leaves=20,
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(VALUES)
def test_what_is_written_is_what_is_read(value):
    assert ROUND_TRIP({"root": value}) is True


@pytest.mark.parametrize("data", ["<a>\u00e4</a>", "<a>\u00e4</a>".encode()])
def test_a_raw_body_can_be_given_as_it_is(evaluate, failure, data):
    body = {"contentType": "text/xml", "rawData": data}

    assert evaluate("fromXml(body)", body) == evaluate('fromXml(body, {"prefixes": false})', body) == {"a": "\u00e4"}
    assert "this map has no text or bytes as rawData" in failure("fromXml(body)", {"a": 1}).message
