"""The engine passes the conformance cases of CEL."""

import json
from collections import defaultdict

import pytest
from corpus import SAMPLE, load, verdict

# (file, expression): why it fails.
KNOWN = {
    ("string_ext", '"%s".format([{1: "value1", uint(2): "value2", true: double("NaN")}])'): (
        "a Python dict cannot hold both 1 and true as keys; such a map is refused, never mixed up"
    ),
}

CASES: dict[str, list[dict]] = defaultdict(list)
for _case in [*load(), *json.loads(SAMPLE.read_text())["cases"]]:
    CASES[_case["file"]].append(_case)


@pytest.mark.parametrize("strict", [False, True], ids=["lenient", "strict"])
@pytest.mark.parametrize("file", sorted(CASES))
def test_all_cases_of_a_file_pass(file, strict):
    failures = {(file, case["expr"]): problem for case in CASES[file] if (problem := verdict(case, strict=strict))}
    unexpected = {key: problem for key, problem in failures.items() if key not in KNOWN}
    assert unexpected == {}


def test_a_known_failure_that_passes_must_leave_the_list():
    cases = {(case["file"], case["expr"]): case for case in load()}
    assert [key for key in KNOWN if key in cases and not verdict(cases[key])] == []
