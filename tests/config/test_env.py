"""Declared variables and the values they get."""

from __future__ import annotations

from pathlib import Path

import pytest

from octo.builtin import plugins as builtin_plugins
from octo.config.env import Declaration, is_secret, of_files
from octo.config.load import load
from octo.core import secrets
from octo.core.errors import ConfigError, Position


@pytest.fixture
def folder(tmp_path: Path):
    """A folder with files, by name."""

    def written(**files: str) -> Path:
        for name, text in files.items():
            (tmp_path / {"dotenv": ".env", "flow": "flow.yaml"}.get(name, name)).write_text(text)
        return tmp_path

    return written


def test_only_declared_variables_are_visible(config):
    assert dict(config("env: [{name: A}]", A="1", B="2").env) == {"A": "1"}


def test_a_default_fills_what_is_not_set(config):
    found = config('env: [{name: A, default: x}, {name: B, default: ""}, {name: C}, {name: D, default: 010}]')

    assert dict(found.env) == {"A": "x", "B": "", "D": "010"}


def test_a_variable_set_to_nothing_is_set(config):
    assert dict(config("env: [{name: A, default: x, required: true}]", A="").env) == {"A": ""}


def test_precedence(folder, plugins):
    """Process environment, then resources, then OCTO_ENV_FILE, then .env beside the file, then the default."""
    root = folder(
        flow="env: [{name: A, default: d}, {name: B, default: d}, {name: C, default: d}, {name: D, default: d},"
        " {name: E, default: d}]\nresources: {env: [more.env]}\n",
        dotenv="A=dot\nB=dot\nC=dot\nD=dot\n",
        overlay="A=overlay\nB=overlay\nC=overlay\n",
    )
    (root / "more.env").write_text("A=more\nB=more\n")

    found = load(root / "flow.yaml", plugins, {"A": "os", "OCTO_ENV_FILE": str(root / "overlay")})

    assert dict(found.env) == {"A": "os", "B": "more", "C": "overlay", "D": "dot", "E": "d"}


def test_the_file_beside_the_configuration_wins_over_the_one_in_the_working_directory(
    folder, plugins, tmp_path_factory, monkeypatch
):
    """What is set beside the configuration means the same in any working directory."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / ".env").write_text("A=wrong\nB=here\n")
    monkeypatch.chdir(elsewhere)
    root = folder(flow="env: [{name: A}, {name: B, required: true}]\n", dotenv="A=right\n")

    found = load(root / "flow.yaml", plugins, {})

    assert dict(found.env) == {"A": "right", "B": "here"}
    assert dict(load(root / "flow.yaml", plugins, {"B": "os"}).env) == {"A": "right", "B": "os"}


def test_a_required_variable_must_come_from_outside(problems):
    assert problems("env: [{name: A, required: true, default: x}]") == [
        (
            "1:7 OCTO-C141 the required variable `A` is not set | set it: `export A=...`, or a line `A=...` in `.env` "
            "beside the configuration; a `default` does not satisfy `required`"
        )
    ]


def test_a_missing_required_variable_is_reported_once(problems):
    text = """\
    env: [{name: A, required: true}]
    connectors: [{name: web, type: http, settings: {port: "${A}"}}]
    """

    assert [each[:16] for each in problems(text)] == ["1:7 OCTO-C141 th"]


def test_malformed_declarations(problems):
    text = """\
    env:
    - A
    - {}
    - {name: a-b}
    - {name: A, default: [1]}
    - {name: B, required: maybe}
    - {name: C, defualt: x}
    - {name: D}
    - {name: D}
    """

    assert [each.partition(" |")[0] for each in problems(text)] == [
        "2:3 OCTO-C110 an `env` entry must be a mapping, found text",
        "3:3 OCTO-C112 `name` of an `env` entry is missing",
        "4:10 OCTO-C144 `a-b` cannot name a variable",
        "5:22 OCTO-C110 `default` must be text, found a list",
        "6:23 OCTO-C110 `required` must be `true` or `false`, found text",
        "7:13 OCTO-C111 an `env` entry has no key `defualt`",
        "9:3 OCTO-C120 the variable `D` is declared twice",
    ]


def test_files_of_a_folder_may_declare_the_same_but_not_differently(folder, plugins):
    root = folder(
        **{
            "a.yaml": "env: [{name: A, default: x}, {name: B}]\n",
            "b.yaml": "env: [{name: A, default: x}, {name: B, required: true}]\n",
        }
    )

    with pytest.raises(ConfigError) as caught:
        load(root, plugins, {"B": "1"})

    (problem,) = caught.value.problems
    assert problem.code == "OCTO-C143"
    assert str(problem.at) == f"{root / 'b.yaml'}:1:30"
    assert f"{root / 'a.yaml'}:1:30" in problem.hint


def test_a_missing_env_file_is_a_warning(folder, plugins):
    root = folder(flow="env: []\n")

    found = load(root / "flow.yaml", plugins, {"OCTO_ENV_FILE": str(root / "gone")})

    assert [each.code for each in found.warnings] == ["OCTO-C145"]
    assert root / "gone" in found.watched


def test_values_are_never_printed(config):
    assert "hunter2" not in repr(config("env: [{name: A}]", A="hunter2"))


@pytest.mark.parametrize(
    ("declared", "seen"),
    [
        ("{name: API_KEY}", "«secret»"),
        ("{name: db_password}", "«secret»"),
        ("{name: PLAIN}", "hunter22"),
        ("{name: PLAIN, secret: true}", "«secret»"),
        ("{name: API_KEY, secret: false}", "hunter22"),
    ],
)
def test_a_value_is_secret_by_its_name_or_by_word(config, monkeypatch, declared, seen):
    monkeypatch.setattr(secrets, "_secrets", {})

    config(f"env: [{declared}]", **dict.fromkeys(("API_KEY", "db_password", "PLAIN"), "hunter22"))

    assert secrets.masked("value hunter22") == f"value {seen}"


@pytest.mark.parametrize(
    "name",
    [
        "DB_PASSWORD",
        "PASSWD",
        "CLIENT_SECRET",
        "TOKEN",
        "API_KEY",
        "APIKEY",
        "PRIVATE_KEY",
        "PRIVATEKEY",
        "AWS_CREDENTIALS",
        "ORDERS_DSN",
        "dsn",
    ],
)
def test_a_name_that_speaks_of_a_secret_makes_its_value_one(config, name):
    """For each of the listed words, in upper and lower case."""
    config(f"env: [{{name: {name}}}]", **{name: "hunter22"})

    assert secrets.masked("value hunter22") == "value «secret»"


@pytest.mark.parametrize(
    ("declared", "seen"),
    [
        ("{name: A, secret: true, default: tok-1234}", "Bearer «secret» dev"),
        ("{name: API_KEY, default: tok-1234}", "Bearer «secret» dev"),
        ("{name: API_KEY, secret: false, default: tok-1234}", "Bearer tok-1234 dev"),
        ("{name: API_KEY, default: dev}", "Bearer tok-1234 dev"),
        ("{name: API_KEY, default: ''}", "Bearer tok-1234 dev"),
    ],
)
def test_the_default_of_a_secret_is_one_too_unless_it_is_too_short_to_be_told_apart(
    config, monkeypatch, declared, seen
):
    monkeypatch.setattr(secrets, "_secrets", {})

    config(f"env: [{declared}]")

    assert secrets.masked("Bearer tok-1234 dev") == seen


@pytest.mark.parametrize("value", ["yes", "Off", '"true"', "''", "[true]", "1"])
def test_secret_is_true_or_false_or_a_name(problems, value):
    assert "`secret` must be `true` or `false`" in problems(f"env: [{{name: A, secret: {value}}}]")[0]


# --- secrets -----------------------------------------------------------------------------------------------------


def test_a_secret_comes_from_the_chosen_place(folder):
    """After the process environment, and before `.env` files and defaults. Other variables do not come from there."""
    root = folder(
        flow="env: [{name: A, secret: true, default: d}, {name: B, secret: b-key}, {name: C_TOKEN}, {name: D},"
        " {name: E, secret: true, default: d}, {name: F, secret: true, required: true}]\n",
        dotenv="A=dot\nB=dot\nC_TOKEN=dot\nD=dot\n",
    )
    for name in ("A", "b-key", "C_TOKEN", "D", "F"):
        (root / name).write_text("mounted\n")

    found = load(root / "flow.yaml", builtin_plugins(), {"C_TOKEN": "os", "OCTO_SERVICES": f"secrets=files:{root}"})

    assert dict(found.env) == {"A": "mounted", "B": "mounted", "C_TOKEN": "os", "D": "dot", "E": "d", "F": "mounted"}
    assert {root / name for name in ("A", "b-key", "E")} <= {*found.watched}
    assert secrets.masked("mounted") == "«secret»"


def test_a_required_secret_that_is_nowhere_is_told_with_the_place(folder):
    root = folder(flow="env: [{name: A, secret: a-key, required: true}]\n")
    with pytest.raises(ConfigError) as refused:
        load(root / "flow.yaml", builtin_plugins(), {"OCTO_SERVICES": f"secrets=files:{root}"})
    [problem] = refused.value.problems
    assert problem.code == "OCTO-C141"
    assert problem.hint.endswith(f"there is no secret 'a-key' in the folder '{root}' either")


def test_a_place_that_cannot_be_read_is_told_once(folder):
    """At the first variable: all others, and all places that use them, would say the same."""
    root = folder(
        flow="""\
        env: [{name: A, secret: true}, {name: B, secret: true, required: true}]
        flows: [{name: f, process: [{type: log, message: '"${A} ${B}"'}]}]
        """
    )
    with pytest.raises(ConfigError) as refused:
        load(root / "flow.yaml", builtin_plugins(), {"OCTO_SERVICES": f"secrets=files:{root}/nowhere"})
    [problem] = refused.value.problems
    assert (problem.at.line, problem.at.column) == (1, 15)
    assert "the variable `A` is a secret: the folder" in problem.message


def test_a_place_that_is_none_is_told_where_a_secret_is_declared(folder):
    root = folder(flow="env: [{name: A, secret: true}]\n")
    with pytest.raises(ConfigError) as refused:
        load(root / "flow.yaml", builtin_plugins(), {"OCTO_SERVICES": "secrets=vault:x"})
    assert "'vault' is no kind of service" in refused.value.problems[0].message
    folder(flow="env: [{name: A}]\n")
    assert load(root / "flow.yaml", builtin_plugins(), {"OCTO_SERVICES": "secrets=vault:x", "A": "1"}).env == {"A": "1"}


def test_a_secret_without_a_value_is_told_once_where_it_is_used_first(folder):
    root = folder(
        flow="""\
        env: [{name: A, secret: a-key}]
        flows:
        - {name: f, process: [{type: log, message: '"${A}"'}, {type: log, message: '"${A}"'}]}
        """
    )
    with pytest.raises(ConfigError) as refused:
        load(root / "flow.yaml", builtin_plugins(), {"OCTO_SERVICES": f"secrets=files:{root}"})
    [problem] = refused.value.problems
    assert (problem.code, problem.at.line) == ("OCTO-C141", 3)
    assert problem.hint.endswith(f"there is no secret 'a-key' in the folder '{root}' either")


def test_the_values_of_files_alone():
    """Whatever the environment is: a later file wins, then the default; the others are missing."""
    defaults = {"A": "a", "B": None, "C": None}
    declared = {name: Declaration(name, each, True, Position("a.yaml")) for name, each in defaults.items()}

    found = of_files(declared, [{"A": "1", "B": "1", "X": "1"}, {"B": "2"}])

    assert (found.values, found.unset) == ({"A": "1", "B": "2"}, {"C"})


def test_a_secret_of_files_stays_hidden():
    """No text is made of it; only where it leads is told."""
    declared = {"DB": Declaration("DB", "postgres://u:p@db/a", False, Position("a.yaml"), secret=True)}

    found = of_files(declared, [])

    assert (found.values, found.missing, found.hidden) == ({}, {"DB"}, {"DB": "postgres://u:p@db/a"})


@pytest.mark.parametrize(("name", "secret"), [("API_TOKEN", True), ("DB_DSN", True), ("PORT", False)])
def test_names_of_secrets(name: str, secret: bool):
    assert is_secret(name) is secret
