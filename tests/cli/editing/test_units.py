"""Which files are one configuration."""

from __future__ import annotations

import pytest

from octo.cli.editing.tree import Entry
from octo.cli.editing.units import Units


def entries(*paths: str, kind: str = "flow") -> list[Entry]:
    return [Entry(each, "test" if each.endswith("_test.yaml") else kind, 0, "") for each in paths]


async def yes(_: str) -> bool:
    return True


async def no(_: str) -> bool:
    return False


FILES = entries("a.yaml", "a_test.yaml", "b.yaml", "shop/c.yaml", "shop/c_test.yaml")
MORE = [*FILES, *entries("shop/prompts/x.md", kind="resource")]


@pytest.mark.parametrize(
    ("path", "unit"),
    [
        ("a.yaml", "."),
        ("a_test.yaml", "."),
        ("", "."),
        ("shop/c.yaml", "shop"),
        ("shop/prompts/x.md", "shop"),
        ("shop", "shop"),
        ("new/d.yaml", "."),
    ],
)
async def test_a_folder_is_a_configuration(path, unit):
    """Also for what lies deeper and has no flows of its own."""
    assert await Units("", yes).of(path, MORE) == unit


@pytest.mark.parametrize(
    ("path", "unit"),
    [("a.yaml", "a.yaml"), ("a_test.yaml", "a.yaml"), ("b.yaml", "b.yaml"), ("shop/c.yaml", "shop"), ("", ".")],
)
async def test_files_that_only_lie_together(path, unit):
    """Each is one; a folder with one file is asked for nothing."""
    assert await Units("", no).of(path, MORE) == unit


async def test_the_file_that_was_named():
    assert await Units("a.yaml", yes).of("shop/c.yaml", MORE) == "a.yaml"


async def test_it_stays_so_until_a_file_comes():
    """Two flows of one name are a mistake in a folder that was one configuration."""
    asked = []

    async def together(folder: str) -> bool:
        asked.append(folder)
        return len(asked) == 1

    units = Units("", together)
    assert [await units.of("a.yaml", FILES) for _ in range(3)] == ["."] * 3
    assert await units.of("a.yaml", [*FILES, *entries("c.yaml")]) == "a.yaml"
    assert asked == [".", "."]
