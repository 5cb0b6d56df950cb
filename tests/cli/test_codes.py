"""Installed packages explain error codes of their own, and none of them can spoil the codes of others."""

from __future__ import annotations

import sys

import pytest

PAGES = """
from octo import Explanation

EXPLANATIONS = {{"{code}": Explanation("The ledger is closed", "Open it again in the evening.")}}
"""


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Install a package with one module `NAME.py`, as its metadata says."""
    monkeypatch.syspath_prepend(tmp_path)

    def make(name: str, entry: str, module: str) -> None:
        info = tmp_path / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[octo.codes]\n{entry}\n")
        (tmp_path / f"{name}.py").write_text(module)
        monkeypatch.delitem(sys.modules, name, raising=False)

    return make


def test_a_package_explains_its_codes(cli, install):
    """They are found in any spelling, and are listed beside Octo's own."""
    install("octo_ledger", "LEDGER = octo_ledger:EXPLANATIONS", PAGES.format(code="LEDGER-101"))

    for spelling in ("LEDGER-101", "ledger-101"):
        shown = cli("explain", spelling)
        assert (shown.exit_code, shown.stderr) == (0, "")
        assert shown.stdout == "LEDGER-101: The ledger is closed\n\nOpen it again in the evening.\n"
    listed = cli("explain")
    assert "LEDGER-101  The ledger is closed\n" in listed.stdout
    assert "OCTO-R122" in listed.stdout
    assert listed.stderr == ""


def test_a_code_that_is_nearly_right(cli, install):
    """The message names the nearest code, as for Octo's own."""
    install("octo_ledger", "LEDGER = octo_ledger:EXPLANATIONS", PAGES.format(code="LEDGER-101"))

    shown = cli("explain", "LEDGER-102")

    assert shown.exit_code == 2
    assert shown.stderr == "there is no code LEDGER-102. Did you mean LEDGER-101?\n"


HERE = "octo_ledger: octo_ledger:EXPLANATIONS"


@pytest.mark.parametrize(
    ("entry", "module", "told"),
    [
        (
            "OCTO = octo_ledger:EXPLANATIONS",
            PAGES.format(code="OCTO-R122"),
            "octo_ledger: codes that begin with OCTO- are Octo's own; name the entry point differently",
        ),
        (
            "ledger = octo_ledger:EXPLANATIONS",
            PAGES.format(code="ledger-1"),
            "octo_ledger: 'ledger' cannot begin a code; use capitals and digits, e.g. LEDGER",
        ),
        (
            "LEDGER = octo_ledger:EXPLANATIONS",
            "import octo_missing",
            f"{HERE} cannot be imported: ModuleNotFoundError: No module named 'octo_missing'",
        ),
        (
            "LEDGER = octo_ledger:EXPLANATIONS",
            "",
            f"{HERE} cannot be imported: AttributeError: module 'octo_ledger' has no attribute 'EXPLANATIONS'",
        ),
        (
            "LEDGER = octo_ledger:EXPLANATIONS",
            "EXPLANATIONS = ['LEDGER-101']",
            f"{HERE} must be a mapping from codes to octo.Explanation, not a list",
        ),
        (
            "LEDGER = octo_ledger:EXPLANATIONS",
            PAGES.format(code="OCTO-R122"),
            f"{HERE}: the code 'OCTO-R122' must be LEDGER- followed by capitals or digits, e.g. LEDGER-101",
        ),
        (
            "LEDGER = octo_ledger:EXPLANATIONS",
            "EXPLANATIONS = {'LEDGER-101': 'closed'}",
            f"{HERE}: the value of LEDGER-101 must be an octo.Explanation(title, text)",
        ),
    ],
)
def test_a_package_that_is_wrong_is_told_and_spoils_nothing(cli, install, entry, module, told):
    """The message has its name, what is wrong and what to do; all other codes are explained as before."""
    install("octo_ledger", entry, module)

    listed = cli("explain")

    assert listed.exit_code == 0
    assert listed.stderr == f"error codes that cannot be explained: {told}\n"
    assert "OCTO-R122  Overloaded\n" in listed.stdout
    assert "The ledger is closed" not in listed.stdout


def test_two_packages_cannot_share_a_word(cli, install):
    """Neither is used: otherwise the order of folders would decide which one counts."""
    for name in ("octo_ledger", "octo_books"):
        install(name, f"LEDGER = {name}:EXPLANATIONS", PAGES.format(code="LEDGER-101"))

    shown = cli("explain", "LEDGER-101")

    assert shown.exit_code == 2
    assert shown.stderr.splitlines()[0] == (
        "error codes that cannot be explained: octo_books and octo_ledger both explain codes that begin with LEDGER-; "
        "one must choose another word"
    )


def test_a_broken_package_is_not_asked_about_the_codes_of_others(cli, install):
    """What Octo explains does not depend on what is installed beside it."""
    install("octo_ledger", "LEDGER = octo_ledger:EXPLANATIONS", "raise SystemExit('must not be imported')")

    assert cli("explain", "OCTO-R122").stderr == ""
