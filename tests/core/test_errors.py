"""Problems sort by place and print in one form."""

from __future__ import annotations

import errno

import pytest

from octo.core.errors import ConfigError, OctoError, Overloaded, Permanent, Position, Problem, system_reason


def test_a_config_error_lists_all_problems_by_place():
    late = Problem("OCTO-C101", Position("b.yaml", 2, 1), "two", "do that")
    early = Problem("OCTO-C101", Position("a.yaml", 9, 4), "one")

    assert str(ConfigError([late, early])) == ("a.yaml:9:4: OCTO-C101: one\nb.yaml:2:1: OCTO-C101: two\n    do that")


def test_a_position_without_a_line_is_the_file():
    assert str(Position("a.yaml")) == "a.yaml"


def test_lines_sort_as_numbers():
    problems = [Problem("OCTO-C101", Position("a.yaml", line, 1), str(line)) for line in (10, 9, 0)]

    assert [each.message for each in ConfigError(problems).problems] == ["0", "9", "10"]


def test_a_problem_as_json_says_where():
    assert Problem("OCTO-C101", Position("a.yaml", 9, 4), "one", "do that").as_json() == {
        "code": "OCTO-C101",
        "file": "a.yaml",
        "line": 9,
        "column": 4,
        "message": "one",
        "hint": "do that",
    }


def test_an_error_has_the_code_of_its_class_unless_it_brings_one():
    assert Permanent("x").code == "OCTO-R110"
    assert Permanent("x", code="OCTO-H101").code == "OCTO-H101"
    assert (OctoError("x").status, OctoError("x").vars) == (None, {})


def test_who_is_refused_hears_when_to_come_back():
    assert Overloaded("x").retry_after == 1.0
    assert Overloaded("x", retry_after=7.5).retry_after == 7.5


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError(errno.ECONNREFUSED, "Connect call failed ('127.0.0.1', 1)"), "Connection refused"),
        (OSError(errno.ECONNREFUSED, "Connection refused"), "Connection refused"),
        (OSError(-2, "Name or service not known"), "Name or service not known"),
        (OSError("Multiple exceptions: ..."), "Multiple exceptions: ..."),
        (ConnectionResetError(), "the connection was closed"),
    ],
)
def test_what_the_system_refused_is_told_in_its_words(error, reason):
    assert system_reason(error) == reason


def test_an_error_within_some_work_is_the_same_error():
    """Its code, status, variables and kind stay."""
    error = Overloaded("no room", retry_after=3, code="OCTO-X1")
    error.status, error.vars = 503, {"a": 1}

    told = error.within("sql query")

    assert str(told) == "sql query: no room"
    assert str(error) == "no room"
    assert type(told) is Overloaded
    assert (told.retry_after, told.code, told.status, told.vars) == (3, "OCTO-X1", 503, {"a": 1})
