"""An error names the line of the author's files that it comes from."""

from __future__ import annotations

import json

import pytest

from octo.blocks.origin import origin, place

AUTHOR = """
import json

def own():
    raise ValueError("mine")

def library():
    json.loads("{")
"""


@pytest.mark.parametrize(("call", "line"), [("own", 5), ("library", 8)])
def test_the_innermost_line_of_the_author_is_named(tmp_path, monkeypatch, call, line):
    (tmp_path / "shop.py").write_text(AUTHOR)
    names: dict = {}
    exec(compile(AUTHOR, str(tmp_path / "shop.py"), "exec"), names)
    monkeypatch.chdir(tmp_path)

    with pytest.raises(ValueError) as caught:
        names[call]()

    assert origin(caught.value) == f" (shop.py:{line})"


def test_without_a_line_of_an_author_there_is_none():
    with pytest.raises(ValueError) as caught:
        json.loads("{")

    assert origin(caught.value) == ""


def test_a_file_elsewhere_is_named_in_full(tmp_path):
    assert place(str(tmp_path / "a.py"), 3) == f"{tmp_path}/a.py:3"
