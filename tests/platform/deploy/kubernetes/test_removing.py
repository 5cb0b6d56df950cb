"""A deployment goes in the order in which nothing is left open, and whatever happens between the steps."""

from __future__ import annotations

import pytest

from octo_platform.deploy.kubernetes.kinds import LISTED


@pytest.fixture
def whole(desired):
    return desired(
        port=8080,
        replicas=2,
        secrets={"a": "1"},
        files={f"{number}.bin": bytes(500_000) for number in range(3)},
        exposure={"host": "orders.example.com"},
    )


async def collect(place):
    """What the garbage collector does once the pods have gone."""
    await place.patch("Deployment", "octo-orders", {"metadata": {"finalizers": None}})


async def left(place):
    kinds = [*(each for each in LISTED if each != "HTTPRoute"), "Secret", "Pod"]
    return {(kind, name) for kind in kinds for name in await place.all(kind)} - {("ConfigMap", "kube-root-ca.crt")}


async def test_nothing_is_left(place, whole):
    await place.target.apply(whole)

    assert await place.target.remove(whole.deployment) is False
    await collect(place)
    assert await place.target.remove(whole.deployment) is True

    assert set() == {each for each in await left(place) if each[1] != "default"}
    assert (await place.target.observe(whole.deployment)).phase == "absent"
    assert await place.target.remove(whole.deployment) is True


async def test_while_there_is_a_pod_it_is_closed_and_found(place, whole, ready):
    """The door goes at once; policies, secrets and the owner stay until the last pod has gone."""
    await place.target.apply(whole)
    pod = await place.pod(await place.roll(), **ready)
    await place.drop("ReplicaSet", next(iter(await place.all("ReplicaSet"))))

    assert await place.target.remove(whole.deployment) is False
    await collect(place)
    assert await place.target.remove(whole.deployment) is False
    kinds = {kind for kind, _ in await left(place)}
    assert {"Pod", "NetworkPolicy", "Secret", "ConfigMap", "Service"} <= kinds
    assert "Ingress" not in kinds
    assert {whole.deployment} == await place.target.found()

    await place.drop("Pod", pod)
    assert await place.target.remove(whole.deployment) is True


async def test_what_is_left_of_a_removal_that_broke_off_goes_the_next_time(place, whole):
    """By its owner alone, or by the parts of a revision, it is found again."""
    for broken in (["Deployment", "Ingress", "Service", "NetworkPolicy"], ["Deployment", "Ingress", "Role"]):
        await place.target.apply(whole)
        for kind in broken:
            await place.drop(kind, "octo-orders")

        assert {whole.deployment} == await place.target.found()
        assert await place.target.remove(whole.deployment) is True
        assert set() == {each for each in await left(place) if each[1] != "default"}


async def test_others_stay(place, whole, desired):
    other = desired(slug="other", port=8080, secrets={"a": "1"}).model_copy(update={"deployment": "other"})
    await place.target.apply(whole)
    await place.target.apply(other)
    await place.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "octo-orders-mine"}})
    before = {each for each in await left(place) if "other" in each[1]}

    await place.target.remove(whole.deployment)
    await collect(place)
    assert await place.target.remove(whole.deployment) is True

    assert before | {("ConfigMap", "octo-orders-mine")} == {each for each in await left(place) if each[1] != "default"}
    assert {"other"} == await place.target.found()


async def test_what_was_never_there_is_gone(place):
    assert await place.target.remove("nothing") is True
    assert (await place.target.observe("nothing")).phase == "absent"
