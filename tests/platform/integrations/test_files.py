"""Files: read and written by their ETag, one by one or all together."""

from __future__ import annotations

import pytest

from octo_platform.flows.archive import LARGEST_FILE, packed, unpacked
from tests.platform.asking import ANY, FLOW, HERE, done, integration, problem, shop
from tests.platform.conftest import on_both

FILES = f"{HERE}/integrations/orders/files"
ARCHIVE = f"{HERE}/integrations/orders/archive"
NEW = {"If-None-Match": "*"}


@on_both
async def test_the_life_of_a_file(client):
    await shop(client)
    await integration(client)
    assert await problem(client.put(f"{FILES}/a/b.txt", content=b"1")) == "if-match-needed"
    made = await done(client.put(f"{FILES}/a/b.txt", content=b"1", headers=NEW))
    assert await problem(client.put(f"{FILES}/a/b.txt", content=b"2", headers=NEW)) == "if-match-needed"
    tag = {"If-Match": made.headers["etag"]}
    changed = await done(client.put(f"{FILES}/a/b.txt", content=b"2", headers=tag))
    assert await problem(client.put(f"{FILES}/a/b.txt", content=b"3", headers=tag)) == "changed"
    assert (await client.get(f"{FILES}/a/b.txt")).content == b"2"
    assert await problem(client.delete(f"{FILES}/a/b.txt", headers=tag)) == "changed"
    await done(client.delete(f"{FILES}/a/b.txt", headers={"If-Match": changed.headers["etag"]}))
    assert await problem(client.get(f"{FILES}/a/b.txt")) == "not-found"
    assert await problem(client.put(f"{FILES}/a/b.txt", content=b"3", headers=tag)) == "changed"  # it is gone


async def test_what_a_file_holds_is_never_a_page_of_ours(client):
    await shop(client)
    await integration(client)
    await done(client.put(f"{FILES}/x.html", content=b"<script>alert(1)</script>", headers=NEW))
    answer = await client.get(f"{FILES}/x.html")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == "attachment"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["%2e%2e/%2e%2e/etc/passwd", "..%2f..%2fetc/passwd", "%00", "a%5cb", ".git/config"])
async def test_a_path_that_leads_elsewhere_is_refused(client, path):
    await shop(client)
    await integration(client)
    assert await problem(client.put(f"{FILES}/{path}", content=b"", headers=NEW)) in ("invalid", "not-found")
    assert [each["path"] for each in (await client.get(FILES)).json()] == ["orders.yaml"]


async def test_a_file_that_is_too_large_is_refused(client):
    await shop(client)
    await integration(client)
    content = bytes(LARGEST_FILE + 1)
    assert await problem(client.put(f"{FILES}/a", content=content, headers=NEW)) == "too-large"


@on_both
async def test_all_files_as_an_archive(client):
    await shop(client)
    await integration(client)
    got = await done(client.get(ARCHIVE))
    assert unpacked(got.content) == {"orders.yaml": FLOW.encode()}
    files = {"orders.yaml": FLOW.encode(), "more.yaml": b"flows: []", "x/y.bin": b"\0\xff"}
    tag = {"If-Match": got.headers["etag"]}
    await done(client.put(ARCHIVE, content=packed(files), headers=tag))
    assert unpacked((await client.get(ARCHIVE)).content) == files
    assert await problem(client.put(ARCHIVE, content=packed(files), headers=tag)) == "changed"
    assert await problem(client.put(ARCHIVE, content=packed({"a.txt": b""}), headers=ANY)) == "invalid"
    assert await problem(client.put(ARCHIVE, content=b"no zip", headers=ANY)) == "malformed"
    await done(client.put(ARCHIVE, content=packed({"a.yaml": b"flows: []"}), headers=ANY))
    assert [each["path"] for each in (await client.get(FILES)).json()] == ["a.yaml"]
