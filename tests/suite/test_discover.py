"""A path names test files, and each test file tests one configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from octo.config.report import Report
from octo.suite.discover import discover

FLOW = "flows: [{name: %s, process: []}]"


@pytest.fixture
def found(tmp_path: Path, configs):
    """Return test files and configurations, as names relative to the folder; or the problems."""

    def look(*paths: str, config: str | None = None) -> list[str]:
        report = Report()
        option = None if config is None else tmp_path / config
        targets = discover([tmp_path / each for each in paths], option, configs, {}, report)
        told = [f"{each.file.relative_to(tmp_path)} -> {each.config.relative_to(tmp_path)}" for each in targets]
        return told + [problem.message for problem in report.problems]

    return look


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)


def test_a_folder_that_is_one_configuration_is_tested_as_one(tmp_path, found):
    write(tmp_path, a=FLOW % "a", b=FLOW % "b", a_test="", b_test="")

    assert found(".") == ["a_test.yaml -> .", "b_test.yaml -> ."]


def test_a_folder_of_several_configurations_is_tested_one_by_one(tmp_path, found):
    service = "service: {name: x}\n"
    write(tmp_path, a=service + FLOW % "a", b=service + FLOW % "b", a_test="", b_test="", other_test="")

    assert found(".") == ["a_test.yaml -> a.yaml", "b_test.yaml -> b.yaml", "other_test.yaml -> ."]


def test_sub_folders_are_not_searched(tmp_path, found):
    (tmp_path / "deeper").mkdir()
    write(tmp_path / "deeper", a_test="")

    assert found(".") == ["the folder contains no tests"]


def test_a_flow_file_means_the_tests_beside_it(tmp_path, found):
    write(tmp_path, a=FLOW % "a", a_test="", b=FLOW % "b")

    assert found("a.yaml") == ["a_test.yaml -> a.yaml"]
    assert found("b.yaml") == ["there is no `b_test.yaml` beside it"]


def test_a_test_file_means_the_flow_beside_it_else_its_folder(tmp_path, found):
    write(tmp_path, a=FLOW % "a", a_test="", lonely_test="")
    (tmp_path / "b.yml").write_text(FLOW % "b")
    write(tmp_path, b_test="")

    assert found("a_test.yaml") == ["a_test.yaml -> a.yaml"]
    assert found("b_test.yaml") == ["b_test.yaml -> b.yml"]
    assert found("lonely_test.yaml") == ["lonely_test.yaml -> ."]


def test_each_file_is_taken_once_and_in_order(tmp_path, found):
    write(tmp_path, a=FLOW % "a", a_test="", b_test="")

    assert found("b_test.yaml", "a.yaml", ".", "a_test.yaml") == ["a_test.yaml -> a.yaml", "b_test.yaml -> ."]


def test_a_configuration_that_was_named_is_tested_by_all(tmp_path, found):
    write(tmp_path, a=FLOW % "a", a_test="", other=FLOW % "o")

    assert found("a_test.yaml", config="other.yaml") == ["a_test.yaml -> other.yaml"]


def test_what_is_not_there_or_no_flow_file_is_said(tmp_path, found):
    (tmp_path / "notes.txt").write_text("")

    assert found("gone.yaml") == ["no such file or folder"]
    assert found("notes.txt") == ["this is not a flow file"]


def test_what_tools_leave_beside_test_files_is_no_test(tmp_path, found):
    write(tmp_path, a=FLOW % "a", a_test="")
    for name in ("._a_test.yaml", ".#a_test.yaml", "~$a_test.yaml", "a_test.yaml~", ".a_test.yaml.swp"):
        (tmp_path / name).write_bytes(b"\0\xff")

    assert found(".") == ["a_test.yaml -> ."]


def test_a_case_in_a_path_is_told_how_it_is_chosen(configs):
    report = Report()

    discover([Path("a_test.yaml::it works")], None, configs, {}, report)

    assert [each.hint for each in report.problems] == [
        "a case is chosen with -k: octo test a_test.yaml -k '=\"it works\"'"
    ]
