"""Every name in a test file must exist in the configuration that it tests; other names are refused."""

from __future__ import annotations

import pytest

from octo.core.errors import ConfigError


def problems(planned, text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        planned(text)
    return [f"{each.at.line}:{each.at.column} {each.code} {each.message}" for each in caught.value.problems]


WRONG = {
    "flow": ("{flow: gret, cases: [{name: a}]}", "1:8 OCTO-T106 no flow is named `gret`"),
    "flow of a call": (
        "{flow: greet, cases: [{name: a, calls: [{flow: gret}]}]}",
        "1:48 OCTO-T106 no flow is named `gret`",
    ),
    "mock address": ("{flow: greet, cases: [{name: a, mocks: {greet.x: {body: 1}}}]}", "1:41 OCTO-B101"),
    "spy address": ("{flow: greet, cases: [{name: a, spies: {greet.x: {count: 1}}}]}", "1:41 OCTO-B101"),
    "mock": ("{flow: greet, mocks: {greet.greet: {default: {}}}, cases: [{name: a}]}", "1:37 OCTO-B102"),
    "stub of nobody": ("{flow: note, stubs: {prob: {}}, cases: [{name: a}]}", "1:22 OCTO-T107 no connector is named"),
    "stub settings": ("{flow: note, stubs: {probe: {note: []}}, cases: [{name: a}]}", "1:30 OCTO-C111"),
    "trigger without a source": (
        "{flow: greet, cases: [{name: a, trigger: {}}]}",
        "1:33 OCTO-T108 the flow `greet` has no source that could be triggered",
    ),
    "trigger settings": ("{flow: pushed, cases: [{name: a, trigger: {boddy: 1}}]}", "1:44 OCTO-C111"),
    "condition that is none": (
        "{flow: greet, cases: [{name: a, expect: {that: [body.name == 1, 'body ==']}}]}",
        "1:73 OCTO-E101 `that[1]`: expected an expression",
    ),
    "condition with an unknown name": (
        "{flow: greet, cases: [{name: a, calls: [{expect: {that: [nobody.n == 1]}}]}]}",
        "1:58 OCTO-E102 `that[0]`: undeclared name 'nobody'",
    ),
    "condition that is never true or false": (
        "{flow: greet, cases: [{name: a, expect: {that: ['1 + 1']}}]}",
        "1:50 OCTO-E301 `that[0]`: the value must be a bool",
    ),
    "condition of a spy": (
        "{flow: greet, cases: [{name: a, spies: {greet.greet: {records: [{output: {that: ['body ==']}}]}}}]}",
        "1:90 OCTO-E101",
    ),
    "trigger of a connector that blocks use": (
        "{flow: pushed-and-called, cases: [{name: a, trigger: {}}]}",
        "1:35 OCTO-T108 the connector `both` has no stub here",
    ),
    "configuration": (
        "{flow: greet, env: {REFUSE: perhaps}, cases: [{name: a}]}",
        "3:51 OCTO-C113",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_means_nothing_is_refused_at_its_place(planned, name):
    text, expected = WRONG[name]

    assert any(found.startswith(expected) for found in problems(planned, text)), problems(planned, text)


WEB = """
connectors: [{name: web, type: http}]
flows:
  - {name: show, source: {connector: web, type: http, settings: {path: "/o/{id}"}}, process: []}
  - {name: all, source: {connector: web, type: http, settings: {path: /all}}, process: []}
"""


@pytest.mark.parametrize(
    ("case", "found"),
    [
        ("trigger: {}", "1:32 OCTO-T108 '/o/{id}' has parameters: give `trigger` a `path`"),
        ("calls: [{flow: all, trigger: {}}, {trigger: {json: 1}}]", "1:67 OCTO-T108 '/o/{id}' has parameters"),
        (
            "trigger: {path: /o/1}, expect: {reply: {status: 200, nope: 3}}",
            "1:85 OCTO-C111 the reply of a `http` connector has no key `nope`",
        ),
    ],
)
def test_a_trigger_that_cannot_work_is_refused_at_its_place(planned, case, found):
    with pytest.raises(ConfigError) as caught:
        planned(f"{{flow: show, cases: [{{name: a, {case}}}]}}", flows=WEB)

    [problem] = caught.value.problems
    assert f"{problem.at.line}:{problem.at.column} {problem.code} {problem.message}".startswith(found)


def test_the_nearest_name_is_offered(planned):
    with pytest.raises(ConfigError, match="did you mean `greet`"):
        planned("{flow: gret, cases: [{name: a}]}")


def test_a_mistake_of_the_file_is_told_once_however_many_cases_it_has(planned):
    text = "{flow: gret, cases: [{name: a}, {name: b}, {name: c}]}"

    assert len(problems(planned, text)) == 1


def test_environment_of_the_case_over_that_of_the_file_as_written(planned):
    (case,) = planned("{flow: stage, env: {STAGE: test, A: 1}, cases: [{name: a, env: {STAGE: 010}}]}").cases

    assert case.env == {"STAGE": "010", "A": "1"}


def test_an_env_file_lies_below_the_test_file(planned):
    text = "{flow: stage, env: {STAGE: test}, cases: [{name: a}]}"
    (case,) = planned(text, env={"STAGE": "file", "KEY": "k"}).cases

    assert case.env == {"STAGE": "test", "KEY": "k"}
    assert case.written_env == {"STAGE": "test"}


def test_a_skipped_case_is_not_looked_into(planned):
    (case,) = planned("{flow: greet, cases: [{name: a, skip: later, mocks: {greet.x: {}}}]}").cases

    assert case.skip == "later"


def test_mocks_and_stubs_of_a_case_replace_those_of_the_file(planned):
    text = """
        flow: note
        mocks: {note.note: {body: 1}, greet.greet: {body: 2}}
        stubs: {probe: {notes: [1]}, both: {}}
        cases:
          - {name: a, mocks: {note.note: null}, stubs: {probe: {notes: [2]}, both: null}}
    """
    (case,) = planned(text).cases

    assert list(case.mocks) == ["greet.greet"]
    assert {name: stub.notes for name, stub in case.stubs.items()} == {"probe": (2,)}


def test_null_is_a_value_of_a_trigger(planned):
    [written] = planned("{flow: pushed, cases: [{name: a, trigger: {body: null}}]}").cases
    [absent] = planned("{flow: pushed, cases: [{name: a, trigger: {}}]}").cases

    assert written.calls[0].trigger.model_fields_set == {"body"}
    assert absent.calls[0].trigger.model_fields_set == set()
