"""octo explain knows every code."""

from __future__ import annotations

from octo.cli.codes import explanations


def test_a_code_is_explained_in_any_spelling(cli):
    for spelling in ("OCTO-R122", "octo-r122", "R122"):
        assert "Overloaded" in cli("explain", spelling).stdout


def test_an_unknown_code_is_bad_usage(cli):
    assert cli("explain", "OCTO-X999").exit_code == 2


def test_without_a_code_all_are_listed(cli):
    listed = cli("explain").stdout

    for code in explanations():
        assert code in listed
