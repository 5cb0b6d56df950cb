"""A write names what it is based on."""

from __future__ import annotations

import pytest

from octo_platform.problem import Problem
from octo_platform.storage.tables import Workspace, now
from octo_platform.web.etags import etag, expect, revise


def row():
    return Workspace(name="a", revision=3, updated_at=now())


@pytest.mark.parametrize("given", ['"r3"', "*", 'W/"r3"', '"r1", "r3"'])
def test_who_has_seen_it_may_write(given):
    found = row()
    revise(found, given)
    assert etag(found.revision) == '"r4"'


@pytest.mark.parametrize("given", ['"r2"', "r3", "", '"r33"'])
def test_who_has_seen_something_else_may_not(given):
    with pytest.raises(Problem) as caught:
        expect(row(), given)
    assert (caught.value.code, caught.value.headers) == ("changed", {"ETag": '"r3"'})


def test_who_says_nothing_may_not():
    with pytest.raises(Problem) as caught:
        expect(row(), None)
    assert caught.value.status == 428
