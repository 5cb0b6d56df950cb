"""A case that went wrong has a command that makes it go wrong again."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from octo.core import secrets
from octo.core.errors import Position
from octo.suite import Call, Case, Mismatch, Outcome
from octo.suite.choose import pattern
from octo.suite.format import Spy
from octo.suite.reproduce import Reproduction

CALL = Call("pay", {"amount": 1}, {"tenant": "acme"}, spies={"pay.b": Spy(count=1), "pay.a": Spy(count=1)})
CASE = Case(
    "a case", Path("shop_test.yaml"), Path("shop.yaml"), "pay", Position("shop_test.yaml", 7, 5), (CALL,), seconds=5.0
)


def command(case: Case, env_file: Path | None = None) -> list[str]:
    return shlex.split(Reproduction(env_file).of(Outcome(case, "failed")).reproduce)


def test_what_passed_writes_nothing():
    reproduction = Reproduction()

    assert reproduction.of(Outcome(CASE, "passed")).reproduce == ""
    assert reproduction.folder is None


def test_a_plain_call_is_invoked_with_all_that_the_case_gave_it():
    case = CASE._replace(written_mocks={"pay.charge": {"body": 1}}, written_env={"KEY": "a b"})
    variable, *octo = command(case)
    file = Path(octo[octo.index("--run-debug-config") + 1])

    assert variable == "KEY=a b"
    assert octo[:6] == ["octo", "invoke", "--config", "shop.yaml", "--flow", "pay"]
    assert octo[-3:] == ["--timeout", "5s", "--envelope"]
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert json.loads(file.read_text()) == {
        "input": {"data": {"amount": 1}, "vars": {"tenant": "acme"}},
        "spies": ["pay.a", "pay.b"],
        "mocks": {"pay.charge": {"body": 1}},
    }


def test_a_secret_is_masked_whatever_the_shell_makes_of_it(monkeypatch: pytest.MonkeyPatch):
    """A secret with a quote in it is masked too."""
    monkeypatch.setattr(secrets, "_secrets", {})
    secrets.mask("it's $(hunter22)")
    told = CASE._replace(name="of it's $(hunter22)", written_env={"KEY": "<it's $(hunter22)>"})

    assert command(told)[0] == "KEY=<«secret»>"
    assert command(told._replace(sources=True))[-1] == '="of «secret»"'


def test_an_env_file_is_named_and_wins_over_the_process_as_it_did():
    """So the command is `octo test`: with `octo invoke` the process would win."""
    assert command(CASE, Path("ci.env"))[4:] == ["shop.yaml", "--env-file", "ci.env", "-k", '="a case"']


def test_a_broken_contract_is_run_as_a_test_for_invoke_checks_none():
    outcome = Outcome(CASE, "failed", failures=(Mismatch("contract: broken", is_broken_contract=True),))

    assert shlex.split(Reproduction().of(outcome).reproduce)[:2] == ["octo", "test"]


@pytest.mark.parametrize(
    "case",
    [
        CASE._replace(clock="2026-01-01T00:00:00Z"),
        CASE._replace(calls=(CALL, CALL)),
        CASE._replace(calls=(CALL._replace(after=1.0),)),
        CASE._replace(sources=True),
    ],
)
def test_what_invoke_cannot_do_is_run_as_a_test(case):
    assert command(case) == ["octo", "test", "shop_test.yaml", "--config", "shop.yaml", "-k", '="a case"']


@pytest.mark.parametrize("name", ['say "hi"', """it's "it\"""", "a\\", "=a", "two\nlines", "a::b", "a and b"])
def test_whatever_a_case_is_named_it_alone_is_chosen(name):
    case = CASE._replace(name=name, sources=True)
    chosen = pattern(command(case)[-1])

    assert chosen(case.id)
    assert not chosen(case._replace(name=f"{name} too").id)


def test_two_test_files_of_one_name_do_not_overwrite_each_other():
    reproduction = Reproduction()
    for folder in ("a", "b"):
        reproduction.of(Outcome(CASE._replace(file=Path(folder) / "shop_test.yaml"), "failed"))

    assert reproduction.folder is not None
    assert len(list(reproduction.folder.iterdir())) == 2
