"""Vectors without a model."""

from __future__ import annotations

import math

from hypothesis import given, strategies as st

from octo.ai.script.vectors import hashed


def near(one: str, other: str) -> float:
    return math.fsum(a * b for a, b in zip(hashed(one, 256), hashed(other, 256), strict=True))


def test_texts_with_the_same_words_are_near():
    question = "how do I get a refund"
    assert near(question, "a refund takes three days to get") > near(question, "the weather is fine in May") + 0.2
    assert near("refund", "refunds") > near("refund", "weather")


@given(st.text(), st.integers(1, 300))
def test_a_vector_has_its_size_and_length_1(text, dimensions):
    vector = hashed(text, dimensions)

    assert len(vector) == dimensions
    assert math.isclose(math.fsum(each * each for each in vector), 1.0)
    assert hashed(text, dimensions) == vector
