"""Modules of the project are imported anew together, and only when one of them changed."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from octo.engine.modules import Modules


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])
    before = {*sys.modules}
    yield tmp_path
    for name in {*sys.modules} - before:
        del sys.modules[name]


@pytest.fixture
def modules(folder):
    found = Modules()
    found.follow(folder)
    return found


def write(folder: Path, **texts: str) -> None:
    for name, text in texts.items():
        path = folder / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)


def load(name="shop"):
    return importlib.import_module(name)


def names(modules, folder):
    return sorted(str(path.relative_to(folder)) for path in modules.files if path.is_file())


def test_what_was_read_is_imported_once_it_is_taken(modules, folder):
    write(folder, shop="value = 1")

    found = modules.read(load)
    assert "shop" not in sys.modules

    modules.take()
    assert sys.modules["shop"] is found


def test_without_a_change_the_same_modules_stay(modules, folder):
    write(folder, shop="value = 1")
    first = modules.read(load)
    modules.take()

    assert modules.read(load) is first


def test_reading_twice_before_it_is_taken_imports_once(modules, folder):
    write(folder, shop="import sys; sys.imports = getattr(sys, 'imports', 0) + 1")
    try:
        assert modules.read(load) is modules.read(load)
        assert sys.imports == 1
    finally:
        del sys.imports


def test_an_edit_of_the_same_size_in_the_same_second_counts(modules, folder):
    write(folder, shop="value = 1")
    modules.read(load)
    modules.take()

    write(folder, shop="value = 2")

    assert modules.read(load).value == 2
    assert not (folder / "__pycache__").exists()


def test_an_edit_of_one_imports_all_anew(modules, folder):
    """Whatever they share, such as a class, is of one version."""
    write(folder, base="class Item: pass", shop="from base import Item\nimport other", other="from base import Item")
    modules.read(load)
    modules.take()

    write(folder, other="from base import Item\nnew = True")
    shop = modules.read(load)

    assert shop.other.new
    assert shop.Item is shop.other.Item
    assert shop.Item is not sys.modules["base"].Item


def test_until_they_are_taken_the_old_ones_are_imported(modules, folder):
    write(folder, shop="value = 1")
    old = modules.read(load)
    modules.take()
    write(folder, shop="value = 2")

    modules.read(load)

    assert sys.modules["shop"] is old


@pytest.mark.parametrize("text", ["value =", "import nowhere_at_all", "1 / 0"])
def test_a_broken_one_leaves_all_as_they_were(modules, folder, text):
    write(folder, shop="import other", other="value = 1")
    old = modules.read(load)
    modules.take()

    write(folder, shop=f"import other\n{text}", other="value = 2")
    with pytest.raises((SyntaxError, ImportError, ZeroDivisionError)):
        modules.read(load)
    modules.take()

    assert sys.modules["shop"] is old
    assert sys.modules["other"].value == 1
    assert {"shop.py", "other.py"} & {*names(modules, folder)}

    write(folder, shop="import other", other="value = 3")
    assert modules.read(load).other.value == 3


def test_an_edit_that_is_taken_back_brings_the_old_ones_back(modules, folder):
    write(folder, shop="value = 1")
    old = modules.read(load)
    modules.take()
    write(folder, shop="value = 2")
    modules.read(load)

    write(folder, shop="value = 1")

    assert modules.read(load) is old


def test_packages_with_and_without_init_are_followed(modules, folder):
    write(folder, **{"shop/__init__": "", "shop/orders": "from plain import prices", "plain/prices": "value = 1"})
    modules.read(lambda: load("shop.orders"))
    modules.take()
    assert names(modules, folder) == ["plain/prices.py", "shop/__init__.py", "shop/orders.py"]

    write(folder, **{"plain/prices": "value = 2"})

    assert modules.read(lambda: load("shop.orders")).prices.value == 2


def test_a_module_that_is_missing_is_waited_for(modules, folder):
    with pytest.raises(ImportError):
        modules.read(load)

    assert {folder / "shop.py", folder / "shop" / "__init__.py"} <= modules.files


def test_a_submodule_that_is_missing_is_waited_for(modules, folder):
    write(folder, **{"shop/__init__": ""})
    with pytest.raises(ImportError):
        modules.read(lambda: load("shop.orders"))

    assert folder / "shop" / "orders.py" in modules.files


def test_a_removed_module_counts_as_changed(modules, folder):
    write(folder, shop="value = 1")
    modules.read(load)
    modules.take()
    (folder / "shop.py").unlink()

    with pytest.raises(ImportError):
        modules.read(load)
    assert sys.modules["shop"].value == 1


@pytest.mark.parametrize("place", ["venv/lib/site-packages", ".venv/lib", "dist-packages"])
def test_what_is_installed_below_the_folder_is_not_followed(modules, folder, monkeypatch, place):
    (folder / place).mkdir(parents=True)
    monkeypatch.syspath_prepend(folder / place)
    write(folder / place, lib="value = 1")
    write(folder, shop="import lib")
    lib = modules.read(load).lib
    modules.take()
    assert names(modules, folder) == ["shop.py"]

    write(folder, shop="import lib\nnew = 1")

    assert modules.read(load).lib is lib


def test_python_and_octo_are_not_followed(modules, folder, monkeypatch):
    monkeypatch.setattr(modules, "_roots", [Path("/")])
    write(folder, shop="import colorsys, octo.core.nothing")
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)

    with pytest.raises(ImportError):
        modules.read(load)

    assert [path for path in modules.files if path.name in ("colorsys.py", "nothing.py")] == []
