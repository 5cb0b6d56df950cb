"""What a command line names: files, folders, patterns, standard input, or nothing."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from octo.cli.named import Named, expanded, is_path, named, refuse_testless

FLOW = "flows: [{{name: {}, process: []}}]\n"
SUITE = "cases: [{name: one, flow: a}]\n"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(**files: str) -> None:
    for name, text in files.items():
        path = Path(name.replace("__", "/") + ".yaml")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)


def refused(*paths: str, verb: str = "run") -> str:
    with pytest.raises(click.UsageError) as caught:
        named([Path(each) for each in paths], verb)
    return caught.value.message


def test_nothing_means_the_folder():
    write(a=FLOW.format("a"), a_test=SUITE, b=FLOW.format("b"))
    Path("._c.yaml").write_text("litter")

    found = named([], "run")

    assert found == Named((Path(),))
    assert list(found.load().flows) == ["a", "b"]


def test_a_folder_without_flows_says_what_was_looked_for(folder):
    write(a_test=SUITE)

    assert refused() == (
        f"there are no flow files in {folder}\n"
        "Looked for: *.yaml and *.yml, without tests (NAME_test.yaml) and names that begin with `.`, `#` or `~`.\n"
        "Try:\n  octo run PATH      takes a file or folder\n  octo new NAME      makes a folder with a first flow"
    )


def test_a_folder_above_the_flows_names_them():
    write(**{"a shop__flow": FLOW.format("a"), "notes__x": "a: 1", "tests__a_test": SUITE})

    assert refused(verb="check").endswith("Try:\n  octo check 'a shop'")


def test_tests_below_are_named_too(folder):
    write(shop__flow_test=SUITE, shop__flow=FLOW.format("a"))

    with pytest.raises(click.UsageError) as caught:
        refuse_testless()
    assert caught.value.message == (
        f"there are no test files in {folder}; they are named NAME_test.yaml\nTry:\n  octo test shop"
    )
    write(here_test=SUITE)
    refuse_testless()


def test_several_paths_are_one_configuration():
    write(a=FLOW.format("a"), more__b=FLOW.format("b"), more__c=FLOW.format("c"))

    found = named([Path("more/c.yaml"), Path("a.yaml"), Path("more")], "run")

    assert list(found.load().flows) == ["c", "a", "b"]  # each file once
    assert str(found) == "more/c.yaml, a.yaml, more"


def test_test_files_among_others_are_passed_over():
    write(a=FLOW.format("a"), a_test=SUITE)

    assert named([Path("a.yaml"), Path("a_test.yaml")], "run").paths == (Path("a.yaml"),)
    assert named([Path("*.yaml")], "run").paths == (Path("a.yaml"),)


def test_a_test_file_alone_points_to_its_flow():
    write(a=FLOW.format("a"), a_test=SUITE, b_test=SUITE)

    assert refused("a_test.yaml") == (
        "'a_test.yaml' is a test file; `octo test a_test.yaml` runs it, `octo run a.yaml` takes the flows that it tests"
    )
    assert refused("b_test.yaml") == "'b_test.yaml' is a test file; `octo test b_test.yaml` runs it"


def test_patterns_are_expanded(folder):
    write(a=FLOW.format("a"), b=FLOW.format("b"))
    Path("odd[1].yaml").write_text("")

    assert expanded([Path("[ab].yaml"), Path("odd[1].yaml"), Path("gone.yaml")]) == [
        Path("a.yaml"),
        Path("b.yaml"),
        Path("odd[1].yaml"),
        Path("gone.yaml"),
    ]
    assert refused("*.yml") == f"no file matches '*.yml' in {folder}"


def test_standard_input_is_alone():
    assert refused("-", "a.yaml") == "`-` reads the whole configuration from standard input; name nothing else"


def test_standard_input_is_as_if_it_were_here():
    Path(".env").write_text("WORD=hello\n")
    text = b"env: [{name: WORD}]\nflows: [{name: f, process: []}]\n"

    assert Named((Path("-"),), text).load().env == {"WORD": "hello"}


def test_what_is_watched():
    write(a=FLOW.format("a"), more__b=FLOW.format("b"))

    assert Named((Path("a.yaml"), Path("more"))).watched == (
        Path("a.yaml"), Path("more"), Path("a.yaml"), Path("more/b.yaml"), Path(".env"),
    )  # fmt: skip


@pytest.mark.parametrize(("word", "means"), [("gone.yaml", True), ("F.YML", True), ("./x", True), ("hello", False)])
def test_what_looks_like_a_path(word, means):
    assert is_path(word) is means
