"""A write names what it is based on."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from octo_platform.problem import Problem
from octo_platform.storage.tables import Workspace
from octo_platform.web.etags import expect, of, revise
from tests.platform.asking import ANY, HERE, done, integration, problem, shop
from tests.platform.conftest import on_both

AT = datetime(2026, 12, 1, tzinfo=UTC)
SEEN = '"r3-66187351f8000"'


def row():
    return Workspace(name="a", revision=3, updated_at=AT)


@pytest.mark.parametrize("given", [SEEN, "*", f"W/{SEEN}", f'"r1-0", {SEEN}'])
def test_who_has_seen_it_may_write(given):
    found = row()
    assert of(found) == SEEN
    revise(found, given)
    assert (found.revision, of(found).startswith('"r4-')) == (4, True)


@pytest.mark.parametrize(
    "given", ['"r3"', SEEN.strip('"'), "", SEEN.replace("r3", "r33"), SEEN.replace("8000", "8001")]
)
def test_who_has_seen_something_else_may_not(given):
    with pytest.raises(Problem) as caught:
        expect(row(), given)
    assert (caught.value.code, caught.value.headers) == ("changed", {"ETag": SEEN})


@on_both
async def test_who_has_seen_one_that_was_deleted_has_not_seen_the_new_one(client):
    """Both have the first revision: a change that is based on the one would overwrite the other unseen."""
    await shop(client)
    await integration(client)
    new = {"If-None-Match": "*"}
    for path, put in (
        (f"{HERE}/integrations/orders/files/a.txt", lambda path, **more: client.put(path, content=b"x", **more)),
        (f"{HERE}/secrets/bank", lambda path, **more: client.put(path, json={"value": "x"}, **more)),
    ):
        seen = (await done(put(path, headers=new))).headers["ETag"]
        await done(client.delete(path, headers=ANY))
        await done(put(path, headers=new))
        assert await problem(put(path, headers={"If-Match": seen})) == "changed"


@on_both
async def test_what_is_told_of_a_write_is_told_again_of_a_read(client):
    await shop(client)
    await integration(client)
    for path in (HERE, f"{HERE}/integrations/orders", f"{HERE}/environments/dev"):
        assert (await done(client.get(path))).headers["ETag"] == (await done(client.get(path))).headers["ETag"]
    written = await done(client.patch(HERE, json={"title": "x"}, headers=ANY))
    assert (await done(client.get(HERE))).headers["ETag"] == written.headers["ETag"]
    one = f"{HERE}/integrations/orders/files/a.txt"
    written = await done(client.put(one, content=b"x", headers={"If-None-Match": "*"}))
    assert (await done(client.get(one))).headers["ETag"] == written.headers["ETag"]
    listed = (await done(client.get(f"{HERE}/integrations/orders/files"))).json()
    assert written.headers["ETag"] in [each["etag"] for each in listed]
    await done(client.put(one, content=b"y", headers={"If-Match": written.headers["ETag"]}))


def test_who_says_nothing_may_not():
    with pytest.raises(Problem) as caught:
        expect(row(), None)
    assert caught.value.status == 428
