"""What all blocks that ask a model have: a budget, and a variable that says what was spent."""

from __future__ import annotations

from octo import Message
from octo.ai.settings import Asking, Spending


def test_the_details_stand_in_the_variable_that_is_named():
    assert Spending().told(Message(1), {"model": "m"}).vars == {"ai": {"model": "m"}}
    assert Spending.model_validate({"detailsVar": "why"}).told(Message(1), {"model": "m"}).vars == {
        "why": {"model": "m"}
    }


def test_no_variable_is_set_without_a_name():
    assert Spending.model_validate({"detailsVar": ""}).told(Message(1), {"model": "m"}).vars == {}


def test_without_a_limit_the_connector_decides_on_tokens():
    assert Asking().most_tokens is None
    assert Asking.model_validate({"maxTokens": 7}).most_tokens == 7
