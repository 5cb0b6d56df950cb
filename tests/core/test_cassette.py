"""Cassettes: which recorded reply a request gets, what differs, and what is never written down."""

from __future__ import annotations

from pathlib import Path

import pytest

from octo.core import secrets
from octo.core.cassette import (
    Cassette,
    Change,
    Exchange,
    Format,
    Player,
    Replayed,
)
from octo.core.errors import Permanent, Transient
from octo.core.settings import Settings

FORM = Format(Settings, Settings, lambda request: f"{request['method']} {request['path']}")


@pytest.fixture(autouse=True)
def _forget_secrets(monkeypatch):
    monkeypatch.setattr(secrets, "_secrets", {})
    monkeypatch.setattr(secrets, "_names", {})


def cassette(*exchanges, mode="replay", form=FORM) -> Cassette:
    return Cassette(Path("c.yaml"), form, [Exchange(*each) for each in exchanges], mode)


def request(path="/a", **more):
    return {"method": "GET", "path": path, **more}


async def play(player: Player, asked, reply=None):
    """The reply, which the other side gives if it is called; without one it must not be."""

    async def call():
        assert reply is not None
        if isinstance(reply, Exception):
            raise reply
        return reply

    return await player.play(asked, call, write=dict, read=dict)


# --- replies -----------------------------------------------------------------------------------------------------


async def test_equal_requests_get_their_replies_in_the_order_of_the_file():
    player = Player(cassette((request(), {"n": 1}), (request("/b"), {"n": 2}), (request(), {"n": 3})))

    assert [(await play(player, request(path)))["n"] for path in ("/a", "/b", "/a")] == [1, 2, 3]
    with pytest.raises(Permanent, match="has no reply to GET /a: its 2 recorded replies were given") as caught:
        await play(player, request())
    assert caught.value.code == "OCTO-Y101"


async def test_each_player_begins_anew():
    tape = cassette((request(), {"n": 1}))

    assert [await play(Player(tape), request()) for _ in range(2)] == [{"n": 1}, {"n": 1}]


async def test_the_last_reply_is_repeated_if_asked_for():
    player = Player(cassette((request(), {"n": 1}), (request(), {"n": 2})), repeat=True)

    assert [(await play(player, request()))["n"] for _ in range(4)] == [1, 2, 2, 2]


async def test_what_is_ignored_may_differ():
    tape = cassette((request(body={"at": 1, "items": [{"id": 1, "n": 2}]}), {"n": 1}))
    player = Player(tape, ["request.body.at", "request.body.items[].id"])

    assert await play(player, request(body={"at": 9, "items": [{"id": 8, "n": 2}]})) == {"n": 1}
    with pytest.raises(Permanent, match=r"which differs in body.items\[0\].n: recorded 2, asked 3"):
        await play(Player(tape, ["request.body.at"]), request(body={"at": 1, "items": [{"id": 1, "n": 3}]}))


async def test_the_nearest_request_is_one_to_the_same_place():
    tape = cassette((request("/b", body=1), {}), (request("/a", body={"x": 1, "y": 2, "z": 3, "w": 4}), {}))

    with pytest.raises(Permanent) as caught:
        await play(Player(tape), request("/a", body={}))

    assert "the nearest is exchange 2 (GET /a), which differs in body.x: recorded 1, asked nothing" in str(caught.value)
    assert "and 1 more" in str(caught.value)


async def test_an_empty_cassette_says_so():
    with pytest.raises(Permanent, match="it is empty; `octo test --record` records it"):
        await play(Player(cassette()), request())


async def test_only_what_is_missing_is_recorded():
    tape = cassette((request(), {"n": 1}), mode="record")
    player = Player(tape)

    found = [await play(player, request()), await play(player, request("/b"), {"n": 2})]

    assert (found, tape.added) == ([{"n": 1}, {"n": 2}], 1)
    assert tape.exchanges[1] == Exchange(request("/b"), {"n": 2})


async def test_a_failed_call_is_not_recorded():
    tape = cassette(mode="record")

    with pytest.raises(Transient):
        await play(Player(tape), request(), Transient("gone"))

    assert (tape.exchanges, tape.added) == ([], 0)


async def test_a_reply_that_lost_a_secret_is_asked_for_again_while_recording():
    tape = cassette((request("/token"), {"body": "«secret:token»"}), mode="record")

    assert await play(Player(tape), request("/token"), {"body": "fresh"}) == {"body": "fresh"}
    assert tape.added == 0


async def test_too_much_is_refused():
    tape = cassette(mode="record")

    with pytest.raises(Permanent, match="too much for the cassette") as caught:
        await play(Player(tape), request(), {"text": "x" * 2_000_000})

    assert caught.value.code == "OCTO-Y102"


async def test_drift_compares_each_call_with_what_was_recorded():
    form = FORM._replace(tells=lambda path: path != "etag")
    tape = cassette((request(), {"body": {"n": 1, "id": 5}, "etag": "x"}), mode="drift", form=form)
    player = Player(tape, ["reply.body.id"])

    now = await play(player, request(), {"body": {"n": 2, "id": 6}, "etag": "y"})
    await play(player, request("/new"), {})
    with pytest.raises(Transient):
        await play(player, request("/gone"), Transient("gone"))

    assert now["body"]["n"] == 2
    assert [(each.at, each.changes, each.error) for each in tape.asked] == [
        (0, (Change("body.n", 1, 2),), ""),
        (None, (), ""),
        (None, (), "gone"),
    ]
    assert len(tape.exchanges) == 1


async def test_a_flow_goes_on_with_what_was_recorded_if_its_requests_stand_alone():
    tape = cassette((request(), {"n": 1}), mode="drift", form=FORM._replace(goes_on=True))

    assert await play(Player(tape), request(), {"n": 2}) == {"n": 1}
    assert tape.asked[0].changes == (Change("n", 1, 2),)


def test_a_stub_whose_cassette_nobody_read_says_so():
    with pytest.raises(Permanent, match="was not read"):
        Replayed.model_validate({"cassette": "c.yaml"}).player()
    assert Replayed().player() is None


def test_a_place_that_is_on_neither_side_is_refused():
    with pytest.raises(ValueError, match="a place begins with"):
        Replayed.model_validate({"ignore": ["body.id"]})


def test_stubs_with_equal_cassettes_are_equal():
    """So a reload goes on with the connector that is open."""
    stubs = [Replayed.model_validate({"cassette": "c.yaml"}) for _ in range(3)]
    for stub, reply in zip(stubs, (1, 1, 2), strict=True):
        stub.insert(cassette((request(), {"n": reply})))

    assert stubs[0] == stubs[1]
    assert stubs[0] != stubs[2]
