"""A version without what runs is refused; one with fewer flows is not."""

from __future__ import annotations

import pytest

from octo.config.load import load, parse
from octo.core.errors import ConfigError
from octo.engine.emptied import refuse_emptied

SERVES = "{name: serves, source: {type: http, settings: {path: /}}, process: []}"
INNER = "{name: inner, process: []}"


@pytest.fixture
def refused(plugins):
    """Return what is wrong with going from one text to another; None if nothing is."""

    def compare(old, new):
        try:
            refuse_emptied(parse(old, plugins, {}), parse(new, plugins, {}))
        except ConfigError as error:
            return error.problems[0]
        return None

    return compare


@pytest.mark.parametrize("new", ["", "# nothing\n", "flows: []", "flows:\n", "connectors: [{name: web, type: http}]"])
def test_no_flows_in_place_of_some_are_refused(refused, new):
    problem = refused(f"flows: [{SERVES}, {INNER}]", new)

    assert (problem.code, problem.message) == ("OCTO-C154", "no flows are left, but `serves`, `inner` run")
    assert "--allow-empty" in problem.hint


def test_a_cut_after_the_first_flow_may_leave_nothing_that_takes_messages(refused):
    problem = refused(f"flows: [{INNER}, {SERVES}]", f"flows: [{INNER}]")

    assert problem.message == "no flow with a source is left, but `serves` runs"


def test_fewer_flows_none_before_and_other_flows_are_accepted(refused):
    assert refused(f"flows: [{INNER}, {SERVES}]", f"flows: [{SERVES}]") is None
    assert refused("", "") is None
    assert refused(f"flows: [{INNER}]", "flows: [{name: other, process: []}]") is None


@pytest.mark.parametrize(("flows", "told"), [(5, ""), (6, " and 1 more"), (9, " and 4 more")])
def test_many_flows_are_not_all_named(refused, flows, told):
    many = ", ".join(f"{{name: f{number}, process: []}}" for number in range(flows))

    assert refused(f"flows: [{many}]", "").message.endswith(f"but `f0`, `f1`, `f2`, `f3`, `f4`{told} run")


@pytest.fixture
def folder(tmp_path, plugins):
    """A folder of two flows; returns whether it is refused after an edit, and where."""
    (tmp_path / "a.yaml").write_text("flows: [{name: a, process: []}]")
    (tmp_path / "b.yaml").write_text("flows: [{name: b, process: []}]")
    old = load(tmp_path, plugins, {})

    def compare():
        try:
            refuse_emptied(old, load(tmp_path, plugins, {}))
        except ConfigError as error:
            return error.problems[0].at.file
        return None

    return compare


@pytest.mark.parametrize("text", ["", "# all gone\n", "---\n", "{}"])
def test_an_empty_file_of_a_folder_is_refused(folder, tmp_path, text):
    (tmp_path / "b.yaml").write_text(text)

    assert folder() == str(tmp_path / "b.yaml")


def test_a_file_that_is_removed_takes_its_flows_along(folder, tmp_path):
    (tmp_path / "b.yaml").unlink()

    assert folder() is None


def test_flows_may_move_to_another_file(folder, tmp_path):
    (tmp_path / "a.yaml").write_text("flows: [{name: a, process: []}, {name: b, process: []}]")
    (tmp_path / "b.yaml").write_text("")

    assert folder() is None


@pytest.mark.parametrize("text", ["", "# A=1\n"])
def test_an_env_file_that_lost_its_variables_is_refused(folder, tmp_path, plugins, text):
    """The variables would silently get their defaults."""
    (tmp_path / ".env").write_text("A=1\nB=2\n")
    old = load(tmp_path, plugins, {})
    (tmp_path / ".env").write_text(text)
    with pytest.raises(ConfigError) as caught:
        refuse_emptied(old, load(tmp_path, plugins, {}))

    assert caught.value.problems[0].message == "the file is empty, but 2 variables come from it"
    assert caught.value.problems[0].at.file == str(tmp_path / ".env")


def test_an_env_file_may_lose_some_variables_or_be_removed(folder, tmp_path, plugins):
    (tmp_path / ".env").write_text("A=1\nB=2\n")
    old = load(tmp_path, plugins, {})

    (tmp_path / ".env").write_text("A=1\n")
    refuse_emptied(old, load(tmp_path, plugins, {}))
    (tmp_path / ".env").unlink()
    refuse_emptied(old, load(tmp_path, plugins, {}))
