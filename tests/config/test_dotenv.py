"""`.env` files."""

from __future__ import annotations

from pathlib import Path

import pytest

from octo.config.dotenv import parse_dotenv, read_dotenv
from octo.config.report import Report


def test_the_syntax():
    text = """
# a comment
A=1
export B = two words
C="quoted # not a comment"
D='single'
E=a=b
F=
G="unbalanced'
H=x # part of the value
"""
    report = Report()

    values = parse_dotenv(text, ".env", report)

    assert report.problems == []
    assert values == {
        "A": "1",
        "B": "two words",
        "C": "quoted # not a comment",
        "D": "single",
        "E": "a=b",
        "F": "",
        "G": "\"unbalanced'",
        "H": "x # part of the value",
    }


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path: Path):
    """Editors on Windows write one."""
    (tmp_path / ".env").write_bytes(b"\xef\xbb\xbfA=1\r\nB=2\r\n")
    report = Report()

    assert read_dotenv(tmp_path / ".env", report) == {"A": "1", "B": "2"}
    assert report.problems == []


def test_a_file_of_the_largest_size_is_read(tmp_path: Path):
    """1 MiB is still accepted."""
    (tmp_path / ".env").write_bytes(b"A=1\n#".ljust(1024 * 1024, b"#"))

    assert read_dotenv(tmp_path / ".env", Report()) == {"A": "1"}


def test_a_malformed_line_is_named_but_not_shown():
    report = Report()

    parse_dotenv("A=1\nhunter2\n=hunter2\n", ".env", report)

    assert [f"{each.at} {each.message}" for each in report.problems] == [
        ".env:2:1 the line has no `=`",
        ".env:3:1 the line has no name before `=`",
    ]
    assert "hunter2" not in str(report.problems)


def test_a_quote_that_is_not_closed_is_named_where_a_line_cannot_be_read():
    report = Report()

    parse_dotenv('A=1\nKEY="-----BEGIN\nhunter2\nB=2\n', ".env", report)

    [problem] = report.problems
    assert (str(problem.at), problem.message) == (".env:3:1", "the line has no `=`")
    assert problem.hint.startswith("perhaps line 2 opens a quote that is not closed; write")


def test_a_missing_file_is_none(tmp_path: Path):
    report = Report()

    assert read_dotenv(tmp_path / ".env", report) is None
    assert report.problems == []


def test_what_is_no_file_is_a_problem(tmp_path: Path):
    report = Report()

    assert read_dotenv(tmp_path, report) == {}
    assert "the file cannot be read" in report.problems[0].message


def test_binary_and_huge_files_are_problems(tmp_path: Path):
    (tmp_path / "a").write_bytes(b"A=1\nB=\xff\n")
    (tmp_path / "b").write_bytes(b"#" * (1024 * 1024 + 1))
    report = Report()

    read_dotenv(tmp_path / "a", report)
    read_dotenv(tmp_path / "b", report)

    assert [f"{each.at.line} {each.message}" for each in report.problems] == [
        "2 the file is not UTF-8 text",
        "0 the file is larger than 1 MiB",
    ]


PEM = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkq\n\n  QUJD+/==\n# no comment\n-----END PRIVATE KEY-----"


@pytest.mark.parametrize("quote", ["'", '"'])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_value_in_quotes_may_have_several_lines(quote, end):
    report = Report()
    text = f"A=1\nexport KEY = {quote}{PEM}{quote}  \nB=2\n".replace("\n", end)

    assert parse_dotenv(text, ".env", report) == {"A": "1", "KEY": PEM, "B": "2"}
    assert report.problems == []


def test_white_space_within_quotes_is_part_of_a_value_of_several_lines():
    assert parse_dotenv("A=' x \n y '\n", ".env", Report()) == {"A": " x \n y "}


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("A='x\nB=2\n", {"A": "'x", "B": "2"}),
        ("A='x\nB='y'\nC=3\n", {"A": "'x", "B": "y", "C": "3"}),
        ("A=it's\nB=isn't\n", {"A": "it's", "B": "isn't"}),
        ("A='\nB=2", {"A": "'", "B": "2"}),
        ('A="it\'s\nB=2"\n', {"A": "it's\nB=2"}),
    ],
)
def test_a_quote_that_is_not_closed_at_the_end_of_a_later_line_is_a_character(text, values):
    assert parse_dotenv(text, ".env", Report()) == values


def test_a_line_ends_only_where_files_end_lines():
    assert parse_dotenv("A=a\u2028b\x85c\x0cd\rB=2", ".env", Report()) == {"A": "a\u2028b\x85c\x0cd", "B": "2"}


def test_a_problem_after_a_value_of_several_lines_is_at_its_place():
    report = Report()

    parse_dotenv(f"KEY='{PEM}'\nnonsense\n", ".env", report)

    assert [str(each.at) for each in report.problems] == [".env:7:1"]
