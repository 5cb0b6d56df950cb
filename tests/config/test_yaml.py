"""YAML: what is read, its place, and how a bad file is refused."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given, strategies as st

from octo.config.report import Report
from octo.config.yaml import DEEPEST, MOST_BYTES, File, Node, read


def tree(text: str) -> File:
    report = Report()
    file = read(text.encode(), "f", report)
    assert report.problems == []
    assert file is not None
    return file


def plain(node: Node):
    if isinstance(node.value, dict):
        return {key: plain(each) for key, each in node.value.items()}
    if isinstance(node.value, list):
        return [plain(each) for each in node.value]
    return node.value


def refused(data: bytes | str) -> str:
    report = Report()
    file = read(data.encode() if isinstance(data, str) else data, "f", report)
    assert file is None or report.problems
    (problem,) = report.problems
    return f"{problem.at.line}:{problem.at.column} {problem.code} {problem.message}"


def test_an_empty_file_holds_nothing():
    assert plain(tree("").root) is None
    assert plain(tree("# only a comment\n").root) is None


def test_positions_of_keys_and_values():
    root = tree("flows:\n- name: a\n  process: [x, {y: 1}]\n").root
    flow = root.value["flows"].value[0]

    assert root.keys["flows"] == (1, 1)
    assert (flow.line, flow.column) == (2, 3)
    assert flow.keys["process"] == (3, 3)
    assert (flow.value["process"].line, flow.value["process"].column) == (3, 12)
    assert flow.value["process"].value[1].keys["y"] == (3, 17)


def ends(text: str) -> dict[str, str]:
    """The place at which the value of each top-level key ends."""
    file = tree(text)
    return {key: str(file.end(each)).removeprefix("f:") for key, each in file.root.value.items()}


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("a: one # said\n", "1:7"),
        ("a: one\n  two\n\n\nb: 1\n", "2:6"),
        ("a: 'it''s\n  late'\n", "2:8"),
        ("a:\nb: 1\n", "1:3"),
        ("a: {x: [1, 2 ],\n  y: 1 } # said\n", "2:9"),
        ("a: []\n", "1:6"),
        ("a: |\n  x\n  y\n\n# said\nb: 1\n", "3:4"),
        ("a: |+\n  x\n\n\nb: 1\n", "2:4"),
        ("a:\n- 1\n- x: 2\n\n  # said\n\n", "3:7"),
        ("a:\n- x:\n    y: |\n      z\n\nb: 1\n", "4:8"),
        ("a:\n- 1\n-\nb: 1\n", "3:2"),
        ("a:\n  x: &x {y: 1}\n  z: *x # said\nb: 1\n", "3:8"),
        ("a:\n  x: ü\u2028  y: 1\n", "3:7"),
    ],
)
def test_a_value_ends_behind_its_last_character(text: str, end: str):
    """Comments and empty lines after it do not belong to it."""
    assert ends(text)["a"] == end


VALUES = st.recursive(
    st.text("ab :#-\n'\"ü{[", max_size=12) | st.integers() | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("ab", min_size=1, max_size=3), inner),
    max_leaves=12,
)


@given(VALUES, st.sampled_from([None, True, False]), st.integers(20, 80))
def test_what_stands_between_start_and_end_is_the_value(value: object, flow: bool | None, width: int):
    """Cut out of the file, and indented as it was, each value reads as the same value."""
    text = yaml.safe_dump({"a": value, "b": 1}, default_flow_style=flow, width=width, allow_unicode=True)
    file = tree(text)
    waiting = [file.root]
    while waiting:
        node = waiting.pop()
        start, end = node.span
        written = file.text[start:end].rstrip()
        lines = file.text[: start + len(written)].split("\n")
        at = file.end(node)
        assert (at.line, at.column) == (len(lines), len(lines[-1]) + 1)
        if not isinstance(node.value, str):  # once cut out, a text of several lines loses or gains a line break
            assert plain(tree(" " * (node.column - 1) + written).root) == plain(node)
        waiting += node.value.values() if isinstance(node.value, dict) else []
        waiting += node.value if isinstance(node.value, list) else []


def test_anchors_aliases_and_merge_keys():
    text = "base: &b {level: info, full: true}\nmore: &m {x: 1}\na: *b\nb: {<<: *b, level: warn}\nc: {<<: [*b, *m]}\n"

    value = plain(tree(text).root)

    assert value["a"] == {"level": "info", "full": True}
    assert value["b"] == {"level": "warn", "full": True}
    assert value["c"] == {"level": "info", "full": True, "x": 1}


def test_a_quoted_merge_key_is_an_ordinary_key():
    assert plain(tree('"<<": 1').root) == {"<<": 1}


def test_keys_are_texts_as_written():
    assert plain(tree("1: a\ntrue: b\n~: c\n0x10: d\n").root) == {"1": "a", "true": "b", "~": "c", "0x10": "d"}


def test_tags_of_yaml_itself():
    assert plain(tree("a: !!str 12\nb: !!float 1\nc: ! 12\n").root) == {"a": "12", "b": 1.0, "c": "12"}


def test_bytes_only_where_a_file_may_hold_some():
    """A test may; a setting that is bytes would be a text to some and none to others."""
    report = Report()

    file = read(b"a: !!binary |\n  /wAA\n  aGk=\n", "f", report, with_bytes=True)

    assert plain(file.root) == {"a": b"\xff\x00\x00hi"}
    assert read(b"a: !!binary no-base64\n", "f", report, with_bytes=True) is None
    assert read(b"a: !!binary /wAA\n", "g", report) is None
    assert [each.message for each in report.problems] == ["the tag `!!binary` does not fit this value"] * 2


def test_only_the_first_document_is_read():
    report = Report()

    file = read(b"a: 1\n---\na: 2\n", "f", report)

    assert plain(file.root) == {"a": 1}
    assert next(str(each) for each in report.warnings).startswith("f:2:1: OCTO-C108: a second document begins here")


def test_a_byte_order_mark_of_utf8_is_skipped():
    assert plain(read(b"\xef\xbb\xbfa: 1", "f", Report()).root) == {"a": 1}


@pytest.mark.parametrize("newline", ["\r\n", "\r"])
def test_line_ends_of_other_systems(newline: str):
    root = tree(f"a: 1{newline}b:{newline}  c: 2{newline}").root

    assert plain(root) == {"a": 1, "b": {"c": 2}}
    assert root.value["b"].keys["c"] == (3, 3)


def test_a_duplicate_key_is_reported_with_both_places():
    report = Report()

    read(b"a: 1\nb: 2\na: 3\n", "f", report)

    assert [str(each) for each in report.problems] == [
        "f:3:1: OCTO-C107: the key `a` is written twice in one mapping\n    the first one is at 1:1"
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a:\n\tb: 1\n", "2:1 OCTO-C104 this line is indented with a tab; only spaces may indent"),
        ("a:\n  b: 1\n c: 2\n", "3:2 OCTO-C104 this does not line up with the mapping it is in"),
        ("a: b: c\n", "1:5 OCTO-C103 there is a `:` where no key can be"),
        ("a: 'x\nb: 1\n", "1:4 OCTO-C103 the quoted text that begins here is never closed"),
        ("a: [1, 2\nb: 3\n", "2:2 OCTO-C103 the list that began with `[` needs a `,` or a `]` here"),
        ('a: "\\q"\n', "1:5 OCTO-C103 YAML does not know this backslash escape"),
        ("a: @x\n", "1:4 OCTO-C103 no unquoted text can begin with this character"),
        ("a: {{ x }}\n", "1:5 OCTO-C103 a key must be a text, not a mapping or a list"),
        ("a: !secret x\n", "1:4 OCTO-C103 the tag `!secret` does not fit this value"),
        ("a: !!int x\n", "1:4 OCTO-C103 the tag `!!int` does not fit this value"),
        ("a: !!python/tuple [1]\n", "1:4 OCTO-C103 the tag `!!python/tuple` has no meaning here"),
        ("a: *b\n", "1:4 OCTO-C106 the alias `*b` points to nothing"),
        ("a: &a [*a]\n", "1:8 OCTO-C106 the alias `*a` is inside the value it repeats"),
        ("a: {<<: 1}\n", "1:5 OCTO-C106 `<<` takes a mapping, or a list of mappings"),
        (b"\xff\xfea\x00", "0:0 OCTO-C102 the file is encoded as UTF-16"),
        (b"a: 1\nb: \xe9\n", "2:4 OCTO-C102 the file is not UTF-8 text"),
        (b"a: \x00", "1:4 OCTO-C102 YAML does not allow the character U+0000"),
        ("[" * 200, f"1:{DEEPEST + 2} OCTO-C105 the values nest deeper than {DEEPEST} levels"),
        (b" " * (MOST_BYTES + 1), "0:0 OCTO-C105 the file is larger than 8 MiB"),
    ],
)
def test_what_cannot_be_read_is_refused_in_plain_words(text, expected: str):
    assert refused(text) == expected


def test_an_alias_bomb_is_refused_before_it_grows():
    """A billion laughs: aliases share nodes in the tree, and the number of values that they repeat is limited."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 60)]

    message = refused("\n".join(lines))

    assert "OCTO-C106 the aliases of this file repeat more than" in message


def test_a_bomb_of_merge_keys_is_refused():
    lines = [f"m: &m {{{', '.join(f'k{n}: 1' for n in range(1000))}}}", "l:"] + ["- {<<: *m}"] * 200

    assert "OCTO-C106" in refused("\n".join(lines))


def test_aliases_cannot_nest_deeper_than_values_may():
    lines = ["a0: &a0 [x]"] + [f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 120)]

    assert "OCTO-C105 the values nest deeper" in refused("\n".join(lines))


def test_too_many_values_are_refused():
    assert "OCTO-C105 the file has more than 200,000 values" in refused("[" + "1," * 200_001 + "]")


def test_the_place_of_a_character_inside_a_value():
    file = tree("a: |\n    body.x +\n    boody\n")

    assert str(file.inside(file.root.value["a"], 2, 1)) == "f:3:5"
