"""Where services keep what they hold."""

from __future__ import annotations

import pytest

from octo.core.errors import Permanent
from octo.services import codes
from octo.services.container import MEMORY, Services
from octo.services.places import openers
from octo.testing.clock import virtual


@virtual()
async def test_all_services_of_a_file_share_one_store(tmp_path):
    """What one run has written, the next one reads; nothing is created before a service is asked for."""
    url = f"sqlite://{tmp_path}/store/octo.db"
    async with Services(openers(url)):
        assert list(tmp_path.iterdir()) == []
    async with Services(openers(url)) as services:
        await services.open(["queues", "key-value", "leases", "topics"])
        handed = services.handed({"store": "key-value", "queues": "queues"})
        await handed["store"].put("a", "k", 1)
        await handed["queues"].send("orders", 2)
    async with Services(openers(url)) as services:
        await services.open(["key-value", "queues"])
        handed = services.handed({"store": "key-value", "queues": "queues"})

        assert (await handed["store"].get("a", "k")).value == 1
        assert [each.value for each in await handed["queues"].receive("orders")] == [2]


@pytest.mark.parametrize("text", ["", "memory:", "memory:,queues=memory:"])
def test_without_a_url_they_are_in_memory(text):
    assert openers(text) == MEMORY


def test_one_service_may_be_elsewhere(tmp_path):
    found = openers(f"memory:, queues = sqlite:{tmp_path}/octo.db")

    assert {name for name in found if found[name] != MEMORY[name]} == {"queues"}


def test_the_journal_may_be_elsewhere(tmp_path):
    """With keys and leases of its own; the others stay where they are."""
    text = f"memory:,journal=sqlite:{tmp_path}/octo.db"
    services = Services(openers(text))

    assert services.for_journal(["key-value", "leases"]) == {
        "key-value": "key-value of the journal",
        "leases": "leases of the journal",
    }
    assert Services().for_journal(["key-value"]) == {"key-value": "key-value"}
    assert {name for name in MEMORY if openers(text)[name] != MEMORY[name]} == set()
    assert services.outlive("key-value of the journal")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("sqllite:octo.db", "did you mean `sqlite:`?"),
        ("octo.db", "did you mean `sqlite:octo.db`?"),
        ("mongodb://user:hunter2@host", "'mongodb' is no kind of service"),
        ("postgresql://octo:12,hunter2:x@db/app", "write a `,` in a name or a password as %2C"),
        ("postgresql://octo:12,hunter2=x:y@db/app", "write a `,` in a name or a password as %2C"),
        ("nats", "`nats` alone is no place; write a URL, e.g. `sqlite:octo-store/octo.db`"),
        ("memory:,queues=Redis", "`redis` alone is no place; write a URL"),
        ("memory:,queues=", "a word without `:` is no place; write a URL"),
        ("memory:,hunter2", "a word without `:` is no place; write a URL"),
        ("sqlite:", "needs the path"),
        ("sqlite:///", "needs the path"),
        ("sqlite://octo.db", "sqlite:///PATH"),
        ("memory:,memory:", "only the first"),
        ("memory:,journal=env:APP_", "provides no service 'journal'; it provides: secrets"),
        ("quues=memory:", "provides no service 'quues'; it provides: key-value"),
        ("secrets=sqlite:a.db", "provides no service 'secrets'"),
    ],
)
def test_what_is_no_place_is_refused(text, problem):
    with pytest.raises(Permanent) as caught:
        openers(text)

    assert problem in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert caught.value.code == codes.PLACE
