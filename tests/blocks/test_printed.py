"""What functions of authors print goes to the log."""
# ruff: noqa: T201  printing is what is tested

from __future__ import annotations

import asyncio
import logging
import sys

import pytest

from octo.blocks.printed import MOST, printed


@pytest.fixture
def lines(caplog):
    caplog.set_level(logging.INFO, "octo.python")
    return lambda: [(each.fields["function"], each.fields["text"]) for each in caplog.records]


def test_each_line_is_a_line_of_the_log_and_not_of_the_output(lines, capsys):
    with printed("shop:price"):
        print("one\ntwo", end="")
        print("!", 3)
    print("ours")
    assert lines() == [("shop:price", "one"), ("shop:price", "two! 3")]
    assert capsys.readouterr().out == "ours\n"


def test_several_lines_at_once_are_lines_too(lines, capsys):
    with printed("f"):
        sys.stdout.writelines(["one\n", "two\n"])
    assert lines() == [("f", "one"), ("f", "two")]
    assert capsys.readouterr().out == ""


def test_what_has_no_line_break_is_told_at_the_end(lines):
    def fails():
        sys.stdout.write("half")
        raise ValueError("x")

    with pytest.raises(ValueError, match="x"), printed("f"):
        fails()
    assert lines() == [("f", "half")]


def test_a_long_line_becomes_several(lines):
    with printed("f"):
        print("a" * (2 * MOST + 1))
    assert [len(text) for _, text in lines()] == [MOST, MOST, 1]


async def test_calls_at_the_same_time_do_not_mix(lines):
    async def call(name):
        with printed(name):
            for number in range(3):
                print(name, end=" ")
                await asyncio.sleep(0)
                print(number)

    async with asyncio.TaskGroup() as group:
        for name in "ab":
            group.create_task(call(name))
    assert sorted(lines()) == [(name, f"{name} {number}") for name in "ab" for number in range(3)]


def test_the_output_is_otherwise_what_it_was(capsys):
    with printed("f"):
        assert sys.stdout.isatty() is False
        sys.stdout.flush()
        assert sys.stdout.encoding
    assert sys.stdout.encoding
