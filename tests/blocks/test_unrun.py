"""What the source of a module says of its functions, and that reading it runs nothing."""

from __future__ import annotations

import pytest

from octo.blocks.unrun import Signature, owns, signature, source


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("def f(a, b=1, *, c, d=2): pass", Signature(("a", "b", "c", "d"), ("a", "c"), is_open=False)),
        ("async def f(): pass", Signature((), (), is_open=False)),
        ("def f(**more): pass", Signature((), (), is_open=True)),
        ("def f(a, /): pass", Signature()),
        ("@wrapped\ndef f(a): pass", Signature()),
        ("from other import f", Signature()),
        ("from other import *", Signature()),
        ("f = lambda a: a", Signature()),
        ("class f: pass", Signature()),
        ("if x:\n    def f(a): pass", Signature(("a",), ("a",), is_open=False)),
        ("try:\n    import y\nexcept ImportError:\n    def f(a): pass", Signature(("a",), ("a",), is_open=False)),
        ("def __getattr__(name): pass", Signature()),
        ("def g(): pass\n_h = 1", ["g"]),
    ],
)
def test_what_a_function_takes(tmp_path, text, expected):
    file = tmp_path / "shop.py"
    file.write_text(f"raise SystemExit\n{text}\n")  # it would end the process if it ran
    assert signature(file, "f") == expected


def test_a_module_is_found_beside_the_configuration(tmp_path):
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").touch()
    (tmp_path / "shop" / "tax.py").touch()
    assert source(tmp_path, "shop.tax") == tmp_path / "shop" / "tax.py"
    assert source(tmp_path, "shop") == tmp_path / "shop" / "__init__.py"
    assert source(tmp_path, "other") is None


def test_which_modules_belong_to_the_folder(tmp_path):
    (tmp_path / "shop.py").touch()
    (tmp_path / "json.py").touch()
    (tmp_path / "parts").mkdir()
    (tmp_path / "email").mkdir()
    assert owns(tmp_path, "shop.any")
    assert owns(tmp_path, "json")  # it comes before what is installed
    assert owns(tmp_path, "parts.one")
    assert not owns(tmp_path, "email")  # a folder without `__init__.py` does not
    assert not owns(tmp_path, "os.path")
