"""Each case can write a trace that shows what every block did."""

from __future__ import annotations

from octo.suite import run_case
from octo.suite.traces import recording


def test_each_case_has_a_file_of_its_own(planned, configs, tmp_path):
    (case,) = planned("{flow: greet, cases: [{name: 'a/b: c', input: {data: {name: Ada}}}]}").cases

    for _ in range(2):
        with recording(tmp_path / "traces", case) as recorder:
            assert run_case(case, configs, observers=[recorder]).status == "passed"

    (file,) = (tmp_path / "traces" / "shop_test").iterdir()
    assert file.name == "a-b-c-1.jsonl"
    assert "greet.greet" in file.read_text()
    assert file.read_text().count('"kind":"flow"') == 1, "it is written anew"
