"""A mock replaces a block; the first case that applies decides."""

from __future__ import annotations

import pytest

from octo.core.errors import Permanent, Timeout, Transient
from octo.core.flow import Drop, Failure
from octo.debug import mocks
from octo.testing.probe import probes

CHARGE = "f.switch[1].charge"


async def test_the_answer_is_the_body_with_variables_over_those_of_the_message(watched):
    ended, _ = await watched(3, specs={CHARGE: {"default": {"body": 7, "vars": {"paid": True}}}})

    assert (ended.body, ended.vars["paid"]) == (8, True)


def test_a_body_with_a_content_type_is_raw_content():
    """Bytes become what a connector makes of them: text if their type is one, in its charset."""
    spec = {"body": "größe".encode("latin-1"), "contentType": "text/csv; charset=iso-8859-1"}
    answer = mocks.parse(spec, "a").default.answer
    picture = mocks.parse({"body": b"\xff\xd8", "contentType": "image/jpeg"}, "a").default.answer

    assert (answer.body["rawData"], answer.raw) == ("größe", True)
    assert (picture.body, picture.raw) == ({"contentType": "image/jpeg", "rawData": b"\xff\xd8"}, True)
    for wrong in (
        {"body": {}, "contentType": "x/y"},
        {"body": "x", "contentType": 5},
        {"drop": True, "contentType": "x/y"},
    ):
        with pytest.raises(mocks.MockError, match="contentType"):
            mocks.parse(wrong, "a")


async def test_the_first_case_that_applies_answers_and_else_the_default(watched):
    spec = {
        "cases": [{"when": "body > 2", "body": "many"}, {"when": "body > 1", "body": "some"}],
        "default": {"body": "few"},
    }
    ended = [(await watched(body, flow="g", specs={"g.set-payload": spec}))[0].body for body in (1, 2, 3)]

    assert ended == ["few", "some", "many"]


async def test_a_body_of_null_answers_null(watched):
    ended, _ = await watched(1, flow="g", specs={"g.set-payload": {"default": {"body": None}}})

    assert ended.body is None


async def test_an_error_reads_as_that_of_the_block_itself(watched):
    real, _ = await watched(4)
    mocked, _ = await watched(3, specs={"f.switch": {"default": {"error": "declined"}}})

    assert real.body == "switch"
    assert mocked.body == "switch"
    failed, _ = await watched(1, flow="g", specs={"g.a": {"error": "no room"}})
    assert isinstance(failed, Failure)
    assert (str(failed), failed.address) == ('block "a": no room', "g.a")


async def test_a_drop_ends_the_flow(watched):
    assert isinstance((await watched(3, specs={CHARGE: {"drop": True}}))[0], Drop)


async def test_without_a_case_and_a_default_the_block_fails(watched):
    ended, _ = await watched(1, flow="g", specs={"g.a": {"cases": [{"when": "body > 1", "body": 0}]}})

    assert "no mock case matched, and there is no default for g.a" in str(ended)
    assert ended.as_value("g")["code"] == "OCTO-B103"


async def test_a_condition_that_fails_says_which(watched):
    ended, _ = await watched(1, flow="g", specs={"g.a": {"cases": [{"when": "body.x > 1", "body": 0}]}})

    assert "`when` of mock case 1: " in str(ended)


async def test_the_blocks_inside_a_mocked_one_are_gone(watched):
    await watched(100, specs={"f.switch": {"body": 0}})

    assert "bank" not in probes


def test_conditions_see_the_environment():
    mock = mocks.parse({"cases": [{"when": 'env.MODE == "dry"', "drop": True}]}, "f.x", {"MODE": "dry"})

    assert mock.cases[0].answer == Drop("mocked")


def test_drop_false_is_no_drop():
    assert mocks.parse({"default": {"body": 1, "drop": False}}, "f.x").default.answer == mocks.Reply(1)


@pytest.mark.parametrize(
    ("spec", "text", "path"),
    [
        (None, "expected a mapping", ()),
        ({}, "it is empty", ()),
        ({"cases": []}, "it is empty", ()),
        ({"cases": {"when": "true"}}, "`cases` must be a list", ("cases",)),
        ({"case": []}, "it has no key `case`; known: when, body, error, drop, vars", ("case",)),
        ({"cases": [], "defualt": 1}, "no key `defualt`; did you mean `default`?", ("defualt",)),
        ({"cases": [{"body": 1}]}, "case 1 needs `when`", ("cases", 0)),
        ({"cases": [3]}, "case 1 must be a mapping", ("cases", 0)),
        ({"cases": [{"when": "body >", "body": 1}]}, "`when` of case 1: ", ("cases", 0, "when")),
        ({"cases": [{"when": "1", "body": 1}]}, "must be a bool", ("cases", 0, "when")),
        ({"default": {"when": "true", "body": 1}}, "the default must not have `when`", ("default", "when")),
        ({"default": {"bdoy": 1}}, "the default has no key `bdoy`; did you mean `body`?", ("default", "bdoy")),
        ({"default": {}}, "exactly one of `body`, `error` and `drop`, found none", ("default",)),
        ({"default": {"body": 1, "error": "x"}}, "found `body` and `error`", ("default",)),
        ({"default": {"error": "x", "vars": {}}}, "`vars` of the default needs a `body`", ("default", "vars")),
        ({"default": {"body": 1, "vars": 2}}, "`vars` of the default must be a mapping", ("default", "vars")),
        ({"default": {"error": None}}, "`error` of the default must be a text", ("default", "error")),
        ({"default": {"body": 1, "stop": "yes"}}, "`stop` of the default must be `true`", ("default", "stop")),
        ({"default": {"drop": True, "stop": True}}, "`stop` of the default needs a `body`", ("default", "stop")),
        ({"default": {"drop": "yes"}}, "`drop` of the default must be `true`", ("default", "drop")),
    ],
)
def test_a_specification_that_cannot_be_says_what_to_change_and_where(spec, text, path):
    with pytest.raises(mocks.MockError) as caught:
        mocks.parse(spec, "f.x")

    assert text in str(caught.value)
    assert str(caught.value).startswith('mock "f.x": ')
    assert caught.value.path == path


@pytest.mark.parametrize(
    ("spec", "kind", "code", "status", "retryable"),
    [
        ("no", Permanent, "OCTO-R110", None, False),
        ({"message": "no"}, Permanent, "OCTO-R110", None, False),
        ({"message": "no", "type": "Timeout"}, Timeout, "OCTO-R121", None, True),
        ({"message": "no", "type": "Transient", "code": "OCTO-H123", "status": 503}, Transient, "OCTO-H123", 503, True),
    ],
)
def test_an_error_may_say_its_kind(spec, kind, code, status, retryable):
    error = mocks.parse({"error": spec}, "f.x").default.answer.made()

    assert (type(error), str(error)) == (kind, "no")
    assert (error.code, error.status, error.retryable) == (code, status, retryable)


@pytest.mark.parametrize(
    ("spec", "text", "path"),
    [
        ({}, "needs a `message`", ("error",)),
        ({"message": 1}, "needs a `message`", ("error",)),
        ({"message": "x", "type": "Timout"}, "did you mean `Timeout`", ("error", "type")),
        ({"message": "x", "type": []}, "known: Permanent", ("error", "type")),
        ({"message": "x", "kind": "x"}, "no key `kind`", ("error", "kind")),
        ({"message": "x", "code": 1}, "must be a text", ("error", "code")),
        ({"message": "x", "status": "503"}, "must be a number", ("error", "status")),
    ],
)
def test_what_an_error_cannot_be_is_said(spec, text, path):
    with pytest.raises(mocks.MockError) as caught:
        mocks.parse({"error": spec}, "f.x")

    assert text in str(caught.value)
    assert caught.value.path == path
