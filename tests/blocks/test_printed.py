"""What functions of authors print goes to the log."""
# ruff: noqa: T201  printing is what is tested

from __future__ import annotations

import asyncio
import logging
import sys

import pytest

from octo.blocks.printed import MOST, printed
from octo.core.secrets import mask


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


@pytest.mark.parametrize("before", [MOST - 5, 2 * MOST - 5, 3 * MOST - 5, 10 * MOST - 5])
@pytest.mark.parametrize("at_once", [True, False])
def test_no_part_of_a_secret_is_told_where_a_long_line_is_cut(lines, before, at_once):
    mask("s3cr3t-of-the-bank")
    with printed("f"):
        for piece in ["b" * before + "s3cr3t-of-the-bank"] if at_once else ["b" * before, "s3cr3t-", "of-the-bank"]:
            sys.stdout.write(piece)
        sys.stdout.write("\n" if at_once else "b" * 3 * MOST)
    told = "".join(text for _, text in lines())
    assert "bank" not in told
    assert "s3cr" not in told
    assert max(len(text) for _, text in lines()) <= MOST


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
