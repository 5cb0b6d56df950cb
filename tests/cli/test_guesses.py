"""Words of other programs lead to the command or option that does the same here."""

from __future__ import annotations

import pytest

from octo.cli import VERBS
from octo.cli.guesses import _COMMANDS, _OPTIONS, _PARTS, of_command, of_option


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        ("init shop", "Try: octo new shop"),
        ("validate flow.yaml", "Try: octo check flow.yaml"),
        ("valdate flow.yaml", "Try: octo check flow.yaml"),
        ("dev", "Try: octo run --watch"),
        ("serve 'my flows'", "Try: octo run 'my flows'"),
        ("exec -f greet", "Try: octo invoke -f greet"),
        ("chek flow.yaml", "Did you mean 'check'? Try: octo check flow.yaml"),
        ("fmt", "Octo formats no files; `octo check` finds what is wrong in them"),
        ("--init", "Try: octo new"),
        ("xyzzy", ""),
    ],
)
def test_a_command_of_another_program(typed, hint):
    import shlex

    word, *rest = shlex.split(typed)
    assert of_command(word, rest, list(VERBS)) == hint


def test_a_long_line_is_not_repeated():
    assert of_command("init", ["x" * 300], list(VERBS)) == "Try: octo new"


def test_a_word_leads_only_to_commands_that_exist():
    assert of_command("diagnose", [], ["run"]) == ""


def test_no_word_is_a_command_or_has_two_meanings():
    words = [word for each in _COMMANDS.values() for word in each.split()]

    assert set(words) & set(VERBS) == set()
    assert len(words) == len(set(words))


def test_options_of_other_programs(cli):
    assert of_option("run", "--reload") == "--watch"
    assert of_option("run", "--nothing") == ""
    assert "No such option: --reload. Did you mean --watch?" in cli("run", "--reload").stderr


@pytest.mark.parametrize(("verb", "option"), [(verb, each) for verb in _OPTIONS for each in _OPTIONS[verb].values()])
def test_each_option_that_is_suggested_exists(cli, verb, option):
    assert option.split()[0] in cli(*verb.split(), "--help").stdout


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("dlq retry", "No such command 'retry'. Did you mean 'replay'?"),
        ("dlq lst", "No such command 'lst'. Did you mean 'list'?"),
        ("dlq frobnicate", "No such command 'frobnicate'. There are: list, purge, replay, show"),
        ("dlq list --json", "No such option: --json. Did you mean --format json?"),
        ("secrets add A", "No such command 'add'. Did you mean 'set'?"),
        ("secrets list --services memory:", "No such option: --services. Did you mean --store FILE?"),
    ],
)
def test_commands_of_a_command_have_other_names_elsewhere_too(cli, typed: str, told: str):
    result = cli(*typed.split())

    assert result.exit_code == 2
    assert told in result.stderr


def test_no_word_for_a_part_is_one(cli):
    for verb, parts in _PARTS.items():
        words = [word for each in parts.values() for word in each.split()]
        known = cli(verb, "--help").stdout.partition("Commands:")[2]
        assert not [word for word in words if f"  {word} " in known]
        assert all(f"  {part} " in known for part in parts)
        assert len(words) == len(set(words))
