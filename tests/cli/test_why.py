"""octo why shows how the expression on a line gets its value."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from octo.cli.why import command, concealing

FLOW = """\
service: {name: test}
env:
  - name: TOKEN
    default: s3cret-token
flows:
  - name: orders
    source: {type: cron, settings: {schedule: "@hourly", payload: "string(now)"}}
    process:
      - type: if
        settings:
          condition: >-
            body.total > 100.0
            && vars.vip
          then:
            process:
              - {type: set-payload, settings: {value: 'env.TOKEN + body.name'}}
      - {type: set-variable, settings: {name: a, value: "body.items.map(i, i.sku)"}}
"""


@pytest.fixture
def why(tmp_path):
    """Run `octo why orders.yaml:LINE ...`."""
    path = tmp_path / "orders.yaml"
    path.write_text(FLOW)

    def run(line, *arguments):
        return CliRunner().invoke(command, [f"{path}:{line}", *arguments], prog_name="octo why")

    return run


@pytest.mark.parametrize("line", [11, 12, 13])
def test_any_line_of_an_expression_will_do(why, line):
    result = why(line, "--data", '{"total": 50}')

    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == [
        "body.total > 100.0 && vars.vip  → false",
        "├─ body.total > 100.0  → false  ◀ decides",
        "│  └─ body.total  → 50",
        "└─ vars.vip  – not evaluated",  # noqa: RUF001 - a dash, not a minus
    ]


def test_an_expression_that_fails_is_exit_code_1(why):
    result = why(17, "--data", '{"items": [{"sku": "a"}, {}]}')

    assert result.exit_code == 1
    assert "i.sku  ✗ no such key: sku" in result.stdout


def test_an_expression_of_a_source_sees_the_time_of_now(why):
    result = why(7)

    assert result.exit_code == 0
    assert result.stdout.startswith('string(now)  → "20')


def test_the_environment_is_hidden_unless_it_is_given(why):
    assert "s3cret" not in why(16, "--data", '{"name": "x"}').stdout
    assert '"«env:TOKEN»x"' in why(16, "--data", '{"name": "x"}').stdout
    assert '"given-x"' in why(16, "--data", '{"name": "x"}', "--env", '{"TOKEN": "given-"}').stdout


def test_a_line_without_an_expression_names_those_that_have_one(why):
    result = why(6)

    assert result.exit_code == 2
    assert "no expression on line 6" in result.stderr
    assert "There are some on line 7, 11, 16, 17" in result.stderr


@pytest.mark.parametrize("place", ["orders.yaml", "orders.yaml:", "orders.yaml:x", ":3"])
def test_a_place_is_a_file_and_a_line(place):
    result = CliRunner().invoke(command, [place])

    assert result.exit_code == 2
    assert "is not FILE:LINE" in result.stderr


def test_the_longest_secret_is_concealed_first():
    conceal = concealing({"A": "secret", "B": "secret-more", "C": "x"})

    assert conceal("secret secret-more x") == "«env:A» «env:B» x"


def test_short_secrets_are_concealed_too(tmp_path):
    path = tmp_path / "pin.yaml"
    path.write_text(
        "env: [{name: PIN, secret: true, default: '0815'}, {name: X_TOKEN, default: a}, {name: MODE, default: fast}]\n"
        "flows: [{name: f, process: [\n"
        "{type: set-payload, value: '[env.PIN, env.PIN + body, env.X_TOKEN, env.MODE, 1 / 0]'}]}]"
    )
    shown = CliRunner().invoke(command, [f"{path}:3", "--data", '"tail"']).output

    assert "0815" not in shown
    assert "«env:PIN»tail" in shown
    assert "«env:X_TOKEN»" in shown
    assert '"fast"' in shown


def test_a_very_short_secret_is_concealed_where_it_stands_alone():
    conceal = concealing({"PIN": "ab", "MODE": "cd"}, {"PIN"})

    assert conceal('"ab" cab cd') == '"«env:PIN»" cab cd'
