"""Long texts are cut in one place, and never through a secret."""

import pytest

from octo.core import secrets
from octo.core.bounded import MOST, bounded
from octo.core.errors import ConfigError, Overloaded, Permanent, Position, Problem
from octo.core.flow import Failure
from octo.core.message import Message
from octo.core.secrets import MASKED, mask
from octo.expr import ExprError

LONG = "k" * 1_000_000


@pytest.fixture(autouse=True)
def _no_secrets(monkeypatch):
    monkeypatch.setattr(secrets, "_secrets", {})


@pytest.mark.parametrize("text", ["", "short", "x" * MOST])
def test_a_short_text_stays_as_it_is(text):
    assert bounded(text) is text


def test_a_text_that_just_fits_is_not_changed():
    """Masking is for texts that are too long; the log masks all others."""
    secret = "Zq7Wv9Kp3Xj5Ld1T"
    mask(secret)
    fits, fits_masked = secret.ljust(MOST), secret + "x" * (MOST - len(MASKED))

    assert (bounded(fits), bounded(fits_masked)) == (fits, fits_masked.replace(secret, MASKED))


def test_of_a_long_text_both_ends_stay_and_its_length():
    assert bounded("abcdefghij" * 10, 8) == "abcdef ... <100 characters> ... ij"
    assert len(bounded(LONG)) < MOST + 50


@pytest.mark.parametrize("before", range(0, 40, 3))
def test_a_secret_is_masked_before_the_text_is_cut(before):
    """Wherever in the text it is: a part of it would not be recognised."""
    secret = "Zq7Wv9Kp3Xj5Ld1Tf8Gm2B"
    mask(secret)
    text = bounded("x" * before + secret + "y" * 60, 40)

    assert not any(secret[at : at + 4] in text for at in range(len(secret) - 3))
    assert bounded("x" * 10 + secret, 31) == "x" * 10 + MASKED


@pytest.mark.parametrize("kind", [Permanent, Overloaded])
def test_the_text_of_an_error_is_bounded(kind):
    assert len(str(kind(f"no such thing: {LONG}"))) < MOST + 50


@pytest.mark.parametrize("cause", [ExprError("OCTO-E201", LONG, hint=LONG), KeyError(LONG), Permanent(LONG)])
def test_a_failure_and_what_its_error_chain_reads_are_bounded(cause):
    failure = Failure(cause, "b", "f.b", Message())

    assert len(str(failure)) < MOST + 100
    assert len(failure.as_value("f")["message"]) < MOST + 100


def test_all_problems_of_a_configuration_are_told():
    """They are the author's own, and each is short."""
    problems = [Problem("OCTO-C100", Position("f.yaml", line), "wrong " * 10) for line in range(1, 500)]
    assert str(ConfigError(problems)).count("\n") == 498
