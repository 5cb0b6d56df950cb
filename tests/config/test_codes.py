"""Codes and their pages."""

from __future__ import annotations

from octo.config import codes


def test_codes_are_distinct_and_explained():
    constants = [value for name, value in vars(codes).items() if name.isupper() and isinstance(value, str)]

    assert len(constants) == len(set(constants))
    assert set(constants) == set(codes.EXPLANATIONS)


def test_a_page_shows_what_is_wrong_and_what_is_right():
    text = codes.EXPLANATIONS[codes.UNKNOWN_KEY].text

    assert "  wrong: settings: {prot: 8080}\n  right: settings: {port: 8080}" in text
