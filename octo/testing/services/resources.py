"""What every service of resources promises. The service under test must hold `CONTENT`."""

from __future__ import annotations

from octo.services.ports import Missing, Resources
from octo.testing.services.suite import BAD_NAMES, Suite, all_refused, refused

RESOURCES: Suite[Resources] = Suite("resources")

CONTENT = {
    "a.txt": "é\r\n".encode(),
    "b/empty": b"",
    "b/image.png": bytes(range(256)) * 8192,
    "b/c/deep.json": b"{}",
    "b c/with spaces é.txt": b"x",
    "z": b"\0",
}
"""The resources that the service must hold, and no others."""


@RESOURCES.check
async def a_resource_is_read_exactly(resources: Resources, _: float) -> None:
    """A resource is read byte for byte, also if it is larger than the limit for values."""
    for name, content in CONTENT.items():
        found = await resources.read(name)
        assert type(found) is bytes
        assert found == content, f"{name} was changed"


@RESOURCES.check
async def resources_are_listed(resources: Resources, _: float) -> None:
    """Resources are listed in the order of code points, in pages, and by the beginning of their names."""
    assert (await resources.list()) == (tuple(sorted(CONTENT)), "")
    assert (await resources.list("b/")).names == ("b/c/deep.json", "b/empty", "b/image.png")
    page = await resources.list(most=4)
    assert page.names == tuple(sorted(CONTENT))[:4]
    assert await resources.list(after=page.after, most=4) == (tuple(sorted(CONTENT))[4:], "")
    assert (await resources.list("%")).names == ()


@RESOURCES.check
async def a_missing_one_is_named(resources: Resources, _: float) -> None:
    """The error names the missing resource; a folder is not a resource."""
    for name in ("a.txt.bak", "b", "A.txt"):
        assert name in str(await refused(Missing, resources.read(name)))


@RESOURCES.check
async def nothing_outside_is_read(resources: Resources, _: float) -> None:
    """A name that leads out of the folder is refused, and so is an invalid name."""
    outside = ("../a.txt", "/etc/passwd", "b/../a.txt", "./a.txt", "b//empty", "b/", "..", "..\\a.txt")
    await all_refused([lambda name=name: resources.read(name) for name in (*outside, *BAD_NAMES)])  # type: ignore[misc]
