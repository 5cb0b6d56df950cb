"""A plan names every difference, and stands for the state that it was made of."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from octo_platform.deployments.plan import Plan, State, changes, digest, in_flight, warnings
from octo_platform.deployments.settings import Settings
from tests.platform.asking import ANY, FLOW, HERE, SECRET, deployment, done, integration, problem, shop, until

FACTS = {
    "flows": [{"name": "orders", "durability": "journal"}],
    "blocks": [{"address": "orders.a", "type": "log", "digest": "1"}],
    "routes": [{"method": "GET", "path": "/orders", "flow": "orders"}],
    "connectors": [{"name": "web", "type": "http", "digest": "1"}],
    "secrets": [{"name": "bank", "variable": "TOKEN"}],
    "listens": [{"port": 8080}],
    "services": ["queues"],
    "reaches": [{"connector": "bank", "scheme": "https", "host": "bank.test", "port": 443, "variables": []}],
    "variables": [],
}


def state(**more):
    return State("v1", FACTS | more, Settings())


def told(before, after):
    return {(each.kind, each.change, each.name) for each in changes(before, after)}


def test_what_stays_is_no_change():
    assert changes(state(), state()) == []


def test_a_new_deployment_adds_everything():
    kinds = {each.kind for each in changes(None, state())}
    assert kinds == {"block", "route", "connector", "secret", "egress", "permission", "setting"}
    assert {each.change for each in changes(None, state())} == {"added"}


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"blocks": [{"address": "orders.a", "type": "log", "digest": "2"}]}, ("block", "changed", "orders.a")),
        ({"blocks": []}, ("block", "removed", "orders.a")),
        ({"routes": []}, ("route", "removed", "GET /orders")),
        ({"connectors": [{"name": "web", "type": "http", "digest": "2"}]}, ("connector", "changed", "web")),
        ({"secrets": []}, ("secret", "removed", "bank")),
        ({"services": ["queues", "leases"]}, ("permission", "added", "service leases")),
        ({"reaches": [FACTS["reaches"][0] | {"host": "evil.test"}]}, ("egress", "changed", "bank")),
    ],
)  # fmt: skip
def test_each_kind_of_difference(more, expected):
    assert told(state(), state(**more)) == {expected}


def test_settings_and_variables():
    after = State("v1", FACTS, Settings(replicas=2, variables={"A": "1"}))
    assert told(state(), after) == {("setting", "changed", "replicas"), ("variable", "added", "A")}


def test_what_people_should_think_of():
    assert warnings(state(), state(flows=[{"name": "orders", "durability": None}])) == [
        "messages in the journal of orders cannot go on: no flow has a journal any more"
    ]
    assert len(warnings(state(), State("v2", FACTS, Settings(in_flight="migrate", replicas=2)))) == 1
    assert warnings(None, state()) == []


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (State("v2", FACTS, Settings(drain=5)), "have 30 s to finish; the rest goes on in the files of v1"),
        (State("v2", FACTS, Settings(in_flight="migrate")), "go on in the files of v2"),
        (
            State("v2", FACTS | {"blocks": []}, Settings(in_flight="migrate")),
            "go on in the files of v2; those behind a block that is gone (orders.a) in their own",
        ),
    ],
)
def test_what_becomes_of_journalled_messages(after, expected):
    assert warnings(state(), after) == [f"journalled messages under way {expected}"]


def test_a_journal_that_ends_with_its_instance_is_no_promise():
    [found] = warnings(None, state(), keeps=False)
    assert found.startswith("the journal of orders ends with each instance")
    assert warnings(None, state(flows=[]), keeps=False) == []


@pytest.mark.parametrize(
    ("target", "settings", "expected"),
    [
        ("local", {}, 0),
        ("kubernetes", {"namespace": "a"}, 1),
        ("kubernetes", {"namespace": "a", "services": "nats://nats:4222"}, 0),
    ],
)
async def test_a_plan_says_where_a_journal_ends_with_its_pod(client, target, settings, expected):
    await shop(client, target=target, settings=settings)
    await integration(client, "orders", FLOW.replace("name: hello", "name: hello\n    durability: journal"), "v1")
    body = {"environment": "dev", "integration": "orders", "tag": "v1"}
    plan = (await done(client.post(f"{HERE}/plans", json=body))).json()
    assert len(plan["warnings"]) == expected


@pytest.mark.parametrize(
    ("name", "value", "is_told"),
    [
        ("DATABASE", "postgres://octo:s3cr3t@db/octo", True),
        ("DB_PASSWORD", "s3cr3t", True),
        ("apiKey", "s3cr3t", True),
        ("DATABASE", "postgres://octo@db/octo", False),
        ("MAIL", "ada:lovelace@example.com", False),
        ("DB_PASSWORD", "", False),
    ],
)
def test_what_looks_like_a_secret_and_is_a_variable_is_told(name, value, is_told):
    """Viewers see variables: in a deployment, in its releases, in a plan."""
    found = warnings(None, State("v1", FACTS, Settings(variables={name: value})))
    assert [name in each for each in found] == [True] * is_told
    assert "s3cr3t" not in str(found)


@given(st.integers(0, 100), st.integers(0, 100))
def test_messages_under_way_change_no_digest_but_generations_do(flight, generation):
    plan = Plan(deployment="d", slug="s", from_tag="a", to_tag="b", changes=[], in_flight=flight, warnings=[])
    other = plan.model_copy(update={"in_flight": flight + 1, "digest": "x"})
    assert digest(plan, generation) == digest(other, generation)
    assert digest(plan, generation) != digest(plan, generation + 1)


def test_messages_under_way_are_those_of_all_instances():
    flow = {"in_flight": 2, "waiting": 3}
    assert in_flight([{"flows": [flow, flow]}, {"flows": []}, {}, {"flows": [flow]}]) == 15


# --- through the API ---------------------------------------------------------------------------------------------


async def test_a_plan_that_is_no_longer_true_is_not_carried_out(client, reconciling):
    await shop(client)
    await integration(client, "orders", FLOW, "v1")
    body = {"environment": "dev", "integration": "orders", "tag": "v1"}
    plan = (await done(client.post(f"{HERE}/plans", json=body))).json()
    assert plan.get("fromTag") is None
    assert await problem(client.post(f"{HERE}/deployments", json=body | {"plan": "0" * 32})) == "plan-changed"
    await done(client.post(f"{HERE}/deployments", json=body | {"plan": plan["digest"]}))
    assert await problem(client.post(f"{HERE}/plans", json=body)) == "exists"
    await until(client, phase="running", observedGeneration=1)

    one = f"{HERE}/deployments/dev:orders"
    await done(client.put(f"{HERE}/integrations/orders/files/orders.yaml", content=SECRET.encode(), headers=ANY))
    await done(client.post(f"{HERE}/integrations/orders/versions", json={"tag": "v2"}))
    assert await problem(client.post(f"{one}/plan", json={"tag": "v2"})) == "no-such-secret"
    await done(client.put(f"{HERE}/secrets/bank", json={"value": "x-y-z-1"}))
    plan = (await done(client.post(f"{one}/plan", json={"tag": "v2"}))).json()
    assert (plan["fromTag"], plan["toTag"], plan["inFlight"]) == ("v1", "v2", 2)
    assert ("egress", "added", "bank.test:443") in [
        (each["kind"], each["change"], each.get("after")) for each in plan["changes"]
    ]
    await done(client.post(f"{one}/scale", json={"replicas": 2}, headers=ANY))
    refused = await client.post(f"{one}/rollout", json={"tag": "v2", "plan": plan["digest"]}, headers=ANY)
    assert (refused.json()["code"], refused.json()["plan"]["toTag"]) == ("plan-changed", "v2")
    again = refused.json()["plan"]["digest"]
    await until(client, phase="running", observedGeneration=2)
    plan = (await done(client.post(f"{one}/plan", json={"tag": "v2"}))).json()
    assert again != plan["digest"]  # it has become ready since
    await done(client.post(f"{one}/rollout", json={"tag": "v2", "plan": plan["digest"]}, headers=ANY))
    await until(client, phase="running", runningTag="v2")


async def test_promotion_plans_and_deploys_what_runs(client, reconciling):
    await shop(client)
    await done(client.post(f"{HERE}/environments", json={"name": "live"}))
    await integration(client, "orders", FLOW, "v1", "v2")
    await deployment(client, "v1", replicas=2)
    one = f"{HERE}/deployments/dev:orders"
    await until(client, phase="running")
    plan = (await done(client.post(f"{one}/promotion/plan", json={"environment": "live"}))).json()
    body = {"environment": "live", "plan": plan["digest"]}
    made = await done(client.post(f"{one}/promotion", json=body))
    assert (made.json()["environment"], made.json()["tag"], made.json()["settings"]["replicas"]) == ("live", "v1", 2)
    await until(client, "live:orders", phase="running")
    await done(client.post(f"{one}/rollout", json={"tag": "v2"}, headers=ANY))
    await until(client, runningTag="v2", phase="running")
    await done(client.post(f"{one}/promotion", json={"environment": "live"}))
    await until(client, "live:orders", runningTag="v2", phase="running")
    assert await problem(client.post(f"{one}/promotion", json={"environment": "dev"})) == "conflict"
