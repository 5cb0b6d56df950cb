"""A folder contributes its YAML files, and nothing that tools leave beside them."""

from __future__ import annotations

import os

import pytest

from octo.config.files import is_test, yaml_files
from octo.config.load import load
from octo.core.errors import ConfigError

LITTER = (
    "._a.yaml",
    ".pre-commit-config.yaml",
    ".hidden.yml",
    ".#a.yaml",
    "#a.yaml#",
    "#a.yaml",
    "a.yaml~",
    "~$a.yaml",
    "a.yaml.bak",
    "a.yaml.swp",
    ".a.yaml.swp",
    "a.yaml.orig",
    "a.yaml___jb_tmp___",
    "4913",
)


def test_what_tools_leave_behind_is_no_configuration(tmp_path, plugins):
    (tmp_path / "a.yaml").write_text("flows: [{name: a, process: []}]")
    for name in LITTER:
        (tmp_path / name).write_bytes(b"\0Mac OS X \xff")

    assert [each.name for each in yaml_files(tmp_path)] == ["a.yaml"]
    assert list(load(tmp_path, plugins, {}).flows) == ["a"]


def test_a_lock_of_an_editor_that_links_to_nothing_is_none(tmp_path):
    (tmp_path / ".#a.yaml").symlink_to("someone@host.1234")

    assert yaml_files(tmp_path) == []


def test_a_file_that_is_named_is_read_whatever_its_name(tmp_path, plugins):
    (tmp_path / ".flow.yaml").write_text("flows: [{name: a, process: []}]")

    assert list(load(tmp_path / ".flow.yaml", plugins, {}).flows) == ["a"]


@pytest.mark.parametrize("kind", ["folder", "link"])
def test_a_file_that_became_something_else_is_not_left_out(tmp_path, plugins, kind):
    """Its flows would be gone without a word."""
    (tmp_path / "a.yaml").write_text("flows: [{name: a, process: []}]")
    other = tmp_path / "b.yaml"
    other.mkdir() if kind == "folder" else other.symlink_to("gone.yaml")

    with pytest.raises(ConfigError) as caught:
        load(tmp_path, plugins, {})

    assert [(each.at.file, each.code) for each in caught.value.problems] == [(str(other), "OCTO-C101")]


def test_a_pipe_is_left_out(tmp_path):
    """Reading it could wait for ever."""
    os.mkfifo(tmp_path / "a.yaml")

    assert yaml_files(tmp_path) == []


def test_tests_are_known_by_their_names(tmp_path):
    assert is_test(tmp_path / "a_test.yaml")
    assert is_test(tmp_path / "A_TEST.YML")
    assert not is_test(tmp_path / "a_test.txt")
    assert not is_test(tmp_path / "a.yaml")
