"""Every error code is explained."""

import re
from pathlib import Path

import octo.expr
from octo.expr import ERRORS, ExprError, errors


def test_every_code_has_a_page():
    codes = {value for value in vars(errors).values() if isinstance(value, str) and re.fullmatch(r"OCTO-E\d+", value)}
    assert codes == set(ERRORS)
    assert all(info.code == code and info.title and info.explanation for code, info in ERRORS.items())


def test_an_error_is_one_line_with_its_hint():
    assert str(ExprError("OCTO-E201", "no such key: a", hint="Keys are b")) == "no such key: a. Keys are b"
    assert str(ExprError("OCTO-E201", "no such key: a")) == "no such key: a"


def test_the_package_imports_nothing_else_of_octo():
    for path in Path(octo.expr.__file__).parent.rglob("*.py"):
        assert not re.search(r"^\s*(from|import) octo\.(?!expr)", path.read_text(), re.MULTILINE), path
