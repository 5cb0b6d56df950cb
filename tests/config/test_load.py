"""Files and folders become one configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from octo.config.load import candidates, config_files, load, load_text
from octo.core.errors import ConfigError


@pytest.fixture
def folder(tmp_path: Path):
    def written(**files: str) -> Path:
        for name, text in files.items():
            (tmp_path / name).write_text(text)
        return tmp_path

    return written


@pytest.fixture
def refused(plugins):
    def found(path: Path) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            load(path, plugins, {})
        return [f"{each.at} {each.code} {each.message} | {each.hint}" for each in caught.value.problems]

    return found


def test_an_empty_configuration_is_valid(config):
    found = config("")

    assert found.flows == {}
    assert found.connectors == {}
    assert found.warnings == ()


def test_the_service(config):
    found = config("service: {name: shop, environment: test}")

    assert (found.name, found.environment) == ("shop", "test")


def test_all_problems_are_found_and_sorted(problems):
    text = """\
    flws: []
    connectors: [{name: a, type: nope}, 3]
    flows: [{nmae: x}]
    service: {name: [1]}
    """

    assert [each.partition(" |")[0] for each in problems(text)] == [
        "1:1 OCTO-C111 a configuration has no key `flws`",
        "2:30 OCTO-C131 no connector type `nope`",
        "2:37 OCTO-C110 a connector must be a mapping, found a whole number",
        "3:10 OCTO-C111 a flow has no key `nmae`",
        "4:17 OCTO-C110 `name` must be text, found a list",
    ]


@pytest.mark.parametrize("text", ["[1]", "hello", "42"])
def test_a_configuration_is_a_mapping(problems, text: str):
    assert "OCTO-C110 a configuration must be a mapping" in problems(text)[0]


def test_sections_must_be_lists(problems):
    assert [each.partition(" |")[0] for each in problems("flows: {a: 1}\nenv: x\nconnectors: 3\n")] == [
        "1:8 OCTO-C110 `flows` must be a list, found a mapping",
        "2:6 OCTO-C110 `env` must be a list, found text",
        "3:13 OCTO-C110 `connectors` must be a list, found a whole number",
    ]


def test_a_folder_is_one_configuration(folder, plugins):
    """Files are read in the order of their names; tests and other files are left out."""
    root = folder(
        **{
            "b.yml": "flows: [{name: two, process: [{type: flow-ref, flow: one}]}]",
            "a.YAML": "flows: [{name: one}]",
            "a_test.yaml": "broken: [",
            "notes.txt": "broken: [",
        }
    )
    (root / "deeper").mkdir()
    (root / "deeper" / "c.yaml").write_text("broken: [")

    found = load(root, plugins, {})

    assert list(found.flows) == ["one", "two"]
    assert found.watched == (root / "a.YAML", root / "b.yml", root / ".env")


def test_duplicates_across_files_name_the_first_place(folder, refused):
    root = folder(
        **{
            "a.yaml": "service: {name: x}\nconnectors: [{name: w, type: http}]\nflows: [{name: f}]\n"
            "processors: [{name: p, type: log}]\n",
            "b.yaml": "service: {name: x}\nconnectors: [{name: w, type: http}]\nflows: [{name: f}]\n"
            "processors: [{name: p, type: log}]\n",
        }
    )
    a, b = root / "a.yaml", root / "b.yaml"

    assert refused(root) == [
        f"{b}:1:1 OCTO-C121 `service` is written in several files | the first one is at {a}:1:1; keep one of them",
        f"{b}:2:21 OCTO-C120 the connector `w` is defined twice | the first one is at {a}:2:21",
        f"{b}:3:16 OCTO-C120 the flow `f` is defined twice | the first one is at {a}:3:9",
        f"{b}:4:21 OCTO-C120 the processor `p` is defined twice | the first one is at {a}:4:14",
    ]


def test_a_folder_without_a_configuration(folder, refused):
    root = folder(**{"notes.txt": ""})
    assert refused(root)[0].startswith(f"{root} OCTO-C101 the folder contains no configuration | put a `*.yaml` file")

    folder(**{"x_test.yaml": ""})
    assert "files such as `x_test.yaml` are tests" in refused(root)[0]


def test_a_missing_path(tmp_path: Path, refused):
    assert refused(tmp_path / "nope.yaml")[0].startswith(f"{tmp_path / 'nope.yaml'} OCTO-C101 no such file or folder")


def test_the_syntax_errors_of_all_files_are_found(folder, refused):
    root = folder(**{"a.yaml": "x: [1", "b.yaml": "y: {a: 1"})

    assert [each.partition(" ")[0] for each in refused(root)] == [f"{root / 'a.yaml'}:1:4", f"{root / 'b.yaml'}:1:4"]


def test_what_is_watched(folder, plugins):
    root = folder(**{"flow.yaml": "resources: {env: [x.env], templates: [{resource: t.txt, as: t}]}", "t.txt": ""})

    found = load(root / "flow.yaml", plugins, {"OCTO_ENV_FILE": "gone.env"})

    assert found.watched == (root / "flow.yaml", root / ".env", Path("gone.env"), root / "x.env", root / "t.txt")


def test_what_to_watch_of_a_broken_configuration(folder):
    root = folder(**{"a.yaml": "x: ["})

    assert candidates(root, {}) == (root / "a.yaml", root / ".env")
    assert candidates(root / "gone.yaml", {}) == (root / "gone.yaml", root / ".env")


def test_config_files_of_a_file(folder):
    root = folder(**{"a_test.yaml": ""})

    assert config_files(root / "a_test.yaml") == [root / "a_test.yaml"]


def test_warnings_come_with_the_configuration(config):
    found = config("processors: [{name: p, type: log}]\nconnectors: [{name: w, type: http, settings: {port: }}]\n")

    assert [f"{each.at.line}:{each.at.column} {each.code} {each.message}" for each in found.warnings] == [
        "1:21 OCTO-C122 no block refers to the processor `p`",
        "2:47 OCTO-C116 `port` is empty and counts as not written",
    ]


def test_a_path_that_is_nearly_right(folder, refused):
    root = folder(**{"orders.yaml": ""})

    assert "did you mean `" + str(root / "orders.yaml") + "`?" in refused(root / "oders.yaml")[0]


def test_several_paths(folder, plugins):
    """They are one configuration; what stands beside it stands beside the first."""
    root = folder(**{"a.yaml": "env: [{name: WORD}]", "b.yaml": "flows: [{name: f, process: []}]", ".env": "WORD=x"})

    found = load(root / "a.yaml", plugins, {}, root / "b.yaml", root)

    assert (list(found.flows), found.env) == (["f"], {"WORD": "x"})
    assert found.watched[:2] == (root / "a.yaml", root / "b.yaml")


def test_a_text_is_as_a_file_in_the_working_directory(folder, plugins, monkeypatch):
    monkeypatch.chdir(folder(**{".env": "WORD=x"}))

    assert load_text(b"env: [{name: WORD}]", plugins, {}, "<it>").env == {"WORD": "x"}
