"""A plan is all or nothing: suites in order, or every problem of every file."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from octo.core.errors import ConfigError
from octo.suite import plan
from octo.suite.choose import pattern
from octo.suite.schema import FORMAT

FLOW = "flows: [{name: f, process: []}]"


def test_suites_come_in_the_order_of_their_paths(tmp_path, configs):
    (tmp_path / "f.yaml").write_text(FLOW)
    for name in "ba":
        (tmp_path / f"{name}_test.yaml").write_text("{flow: f, cases: [{name: one}, {name: two}]}")

    found = plan([tmp_path], configs)

    assert [case.id.removeprefix(str(tmp_path)) for case in found.cases] == [
        "/a_test.yaml::one",
        "/a_test.yaml::two",
        "/b_test.yaml::one",
        "/b_test.yaml::two",
    ]
    assert {tmp_path / "a_test.yaml", tmp_path / "f.yaml"} <= set(found.watched)


def test_problems_of_all_files_are_told_together(tmp_path, configs):
    (tmp_path / "f.yaml").write_text(FLOW)
    (tmp_path / "a_test.yaml").write_text("{flow: g, cases: [{name: one}]}")
    (tmp_path / "b_test.yaml").write_text("{flow: f, cases: []}")
    (tmp_path / "c_test.yaml").write_text("{flow: f")

    with pytest.raises(ConfigError) as caught:
        plan([tmp_path], configs)

    assert [problem.code for problem in caught.value.problems] == ["OCTO-T106", "OCTO-T101", "OCTO-C103"]


def test_a_broken_configuration_is_told_as_check_tells_it(tmp_path, configs):
    (tmp_path / "f.yaml").write_text("flows: [{name: f, process: [{type: nonsense}]}]")
    (tmp_path / "f_test.yaml").write_text("{flow: f, cases: [{name: one}]}")

    with pytest.raises(ConfigError, match="no block type `nonsense`"):
        plan([tmp_path / "f_test.yaml"], configs)


def test_a_suite_of_which_nothing_is_chosen_is_left_out(planned):
    text = "{flow: greet, cases: [{name: one}, {name: two}]}"

    assert [case.name for case in planned(text, choice=pattern("two")).cases] == ["two"]
    assert planned(text, choice=pattern("three")).suites == ()


# --- any tree ----------------------------------------------------------------------------------------------------

_WORDS = st.sampled_from(["greet", "pushed", "probe", "greet.greet", "x", "", "virtual", "body", "1s", "${STAGE}"])
_MODEL_KEYS = (info.alias or name for model in FORMAT for name, info in model.model_fields.items())
_KEYS = st.sampled_from([*_MODEL_KEYS, "default", "when", "drop", "probe", "greet.greet", "pushed.answer", "unknown"])
_TREES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.floats() | _WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=5),
    max_leaves=15,
)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(tree=_TREES, part=st.dictionaries(_KEYS, _TREES, max_size=4))
def test_any_tree_is_a_plan_or_a_config_error(planned, configs, tree, part):
    """Whatever a test file contains: it is refused with help, or its cases can run."""
    case = {**part, "name": "a"}
    for suite in (tree, {"flow": "greet", "cases": [case]}, {"flow": "pushed", "cases": [case], **part}):
        try:
            cases, problems = planned(json.dumps(suite)).cases, []
        except ConfigError as error:
            cases, problems = [], error.problems
        assert all(case.name for case in cases)
        assert all(problem.message and problem.at.file for problem in problems)
        assert cases or problems
