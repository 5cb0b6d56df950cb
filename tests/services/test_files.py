"""Services in the files of a folder; the promises of their ports are in test_providers.py."""

from __future__ import annotations

import asyncio

import pytest

from octo.core.errors import Permanent
from octo.services.container import Services, Unavailable
from octo.services.files import Files
from octo.services.places import openers
from octo.services.ports import Missing


async def read(places: str, service: str, name: str) -> object:
    async with Services(openers(places)) as services:
        await services.open([service])
        return await services.opened[service].read(name)


def test_both_services_are_in_a_folder(tmp_path):
    (tmp_path / "a,b").mkdir()
    (tmp_path / "a,b" / "x").write_text("1\n")
    for url in (f"files:{tmp_path}/a%2Cb", f"files://{tmp_path}/a%2Cb"):
        assert asyncio.run(read(f"resources={url}", "resources", "x")) == b"1\n"
        secret = asyncio.run(read(f"memory:,secrets={url}", "secrets", "x"))
        assert secret.get_secret_value() == "1"


@pytest.mark.parametrize("url", ["files:", "files:/", "files://run/secrets"])
def test_a_url_without_a_path_is_refused(url):
    with pytest.raises(Permanent, match="needs the path of a folder"):
        openers(f"secrets={url}")


def test_a_folder_that_is_not_there_is_told_at_the_start(tmp_path):
    with pytest.raises(Unavailable, match="nowhere' of the secrets does not exist"):
        asyncio.run(read(f"secrets=files:{tmp_path}/nowhere", "secrets", "x"))


def test_dot_files_are_no_resources(tmp_path):
    """`.env` beside a configuration holds secrets."""
    (tmp_path / ".env").write_text("PASSWORD=x")
    with pytest.raises(Missing, match=r"names that begin with `\.` are none"):
        asyncio.run(Files(tmp_path).read(".env"))
