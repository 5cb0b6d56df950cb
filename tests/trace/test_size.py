"""An estimate tells small values from large ones."""

from __future__ import annotations

import orjson
import pytest

from octo.trace.size import weigh


@pytest.mark.parametrize(
    "value",
    [
        "x" * 100_000,
        ["x" * 100] * 1000,
        [[1, 2, 3]] * 20_000,
        {"rows": [{"a": "b" * 20, "c": [1] * 10}] * 2000},
        {f"key{n}": "v" * 10 for n in range(10_000)},
        {"a": {"b": {"c": ["x" * 1000] * 100}}},
        [{}] * 50_000,
    ],
)
def test_what_is_large_weighs_much(value):
    assert weigh(value) > 64 * 1024
    assert weigh(value) < 20 * len(orjson.dumps(value))


@pytest.mark.parametrize("value", [None, 1, "", [], {}, {"a": 1, "b": [1, 2, 3], "c": {"d": "text"}}, [[[[[[1]]]]]]])
def test_what_is_small_weighs_little(value):
    assert weigh(value) < 200


def test_a_glance_does_not_go_far():
    """Endless nesting and very long lists take no time."""
    deep = []
    for _ in range(100_000):
        deep = [deep]
    wide = [deep] * 10_000_000

    assert weigh(wide) > 10_000_000
