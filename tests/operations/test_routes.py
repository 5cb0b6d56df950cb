"""Each path has an answer."""

from __future__ import annotations

import json
import logging

import pytest

from octo.core.errors import OctoError
from octo.operations.guard import Guard
from octo.operations.routes import ROUTES


async def test_the_index_lists_every_path(ask, made):
    page = (await ask(made(), "GET", "/")).body.decode()

    assert [route.path for route in ROUTES if route.path not in page] == []


async def test_alive_is_said_even_when_not_ready(ask, made):
    response = await ask(made(["draining"]), "GET", "/healthz")

    assert (response.status, response.body) == (200, b"ok\n")


async def test_ready_is_one_word(ask, made):
    response = await ask(made(), "GET", "/readyz")

    assert (response.status, response.body) == (200, b"ready\n")


async def test_not_ready_names_every_reason(ask, made):
    state = made(["draining", 'connector "db" is unhealthy: gone'])

    plain = await ask(state, "GET", "/readyz")
    document = await ask(state, "GET", "/readyz", accept="application/json")

    assert (plain.status, plain.body.decode()) == (503, 'draining\nconnector "db" is unhealthy: gone\n')
    assert (document.status, json.loads(document.body)) == (503, {"ready": False, "reasons": state.why})


async def test_trouble_that_leaves_it_ready_is_told_too(ask, made):
    state = made(trouble=["3 threads of block f.call hang"])

    plain = await ask(state, "GET", "/readyz")
    document = await ask(state, "GET", "/readyz", accept="application/json")

    assert (plain.status, plain.body) == (200, b"ready\nnote: 3 threads of block f.call hang\n")
    assert (document.status, json.loads(document.body)["notes"]) == (200, state.trouble)


async def test_metrics_as_text_and_as_json(ask, made):
    state = made(octo_flow_waiting=[(("orders",), 3)])

    plain = await ask(state, "GET", "/metrics")
    document = await ask(state, "GET", "/metrics.json")

    assert 'octo_flow_waiting{flow="orders"} 3.0' in plain.body.decode().splitlines()
    assert plain.content_type.startswith("text/plain; version=")
    assert json.loads(document.body)["octo_flow_waiting"] == [[["orders"], 3]]


async def test_status_and_flows(ask, made):
    status = json.loads((await ask(made(["starting"]), "GET", "/status")).body)

    assert (status["version"], status["ready"], status["reasons"]) == ("1.2.3", False, ["starting"])
    assert json.loads((await ask(made(), "GET", "/flows")).body) == [{"name": "orders"}]


async def test_the_log_level_is_read_and_changed(ask, made):
    state = made()

    changed = await ask(state, "PUT", "/log-level", b'{"level": "debug"}')

    assert json.loads(changed.body) == {"level": "debug"}
    assert json.loads((await ask(state, "GET", "/log-level")).body) == {"level": "debug"}


@pytest.mark.parametrize(
    "body", [b"", b"debug", b"[]", b'{"level": 1}', b'{"level": "loud"}', b'{"level": []}', b"[" * 9999]
)
async def test_a_level_that_is_none_is_refused_with_the_cure(ask, made, body):
    response = await ask(made(), "PUT", "/log-level", body)

    assert response.status == 400
    assert b"debug" in response.body


async def test_the_log_level_is_guarded(ask, made):
    guard = Guard(trusts=False)

    assert (await ask(made(), "PUT", "/log-level", b'{"level": "debug"}', guard)).status == 403
    assert (await ask(made(), "GET", "/log-level", guard=guard)).status == 200
    assert logging.getLogger("octo").level != logging.DEBUG


async def test_dead_letters_are_guarded(ask, made):
    response = await ask(made(), "GET", "/letters")

    assert json.loads(response.body) == [{"group": "3f2a", "count": 2}]
    assert (await ask(made(), "GET", "/letters", guard=Guard(trusts=False))).status == 403


async def test_dead_letters_whose_place_cannot_be_asked(ask, made):
    state = made()

    async def letters():
        raise OctoError("the queues are away", code="OCTO-S101")

    state.letters = letters
    response = await ask(state, "GET", "/letters")
    assert (response.status, response.body) == (503, b"OCTO-S101: the queues are away\n")
