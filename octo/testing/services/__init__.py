"""The promises of the services, as checks that run against any provider.

    from octo.testing import check_key_value

    async def test_my_store_keeps_the_promises_of_key_value() -> None:
        await check_key_value(my_store.opened)

`opened` is the provider's opener: each check calls it, and enters the context manager that it returns to get the
service. Checks use names of their own, so they may share a server, which need not be empty. They run in real time or in
virtual time (`octo.testing.clock`). A check that fails raises `AssertionError` with the promise that was broken. The
checks of a suite are in its `checks`, for a test of each.
"""

from octo.testing.services import ordering  # noqa: F401  it adds its checks to those of queues
from octo.testing.services.key_value import KEY_VALUE
from octo.testing.services.leases import LEASES
from octo.testing.services.queues import QUEUES
from octo.testing.services.resources import RESOURCES
from octo.testing.services.secrets import SECRETS
from octo.testing.services.topics import TOPICS

check_key_value = KEY_VALUE.run
check_leases = LEASES.run
check_queues = QUEUES.run
check_resources = RESOURCES.run
check_secrets = SECRETS.run
check_topics = TOPICS.run

__all__ = [
    "KEY_VALUE",
    "LEASES",
    "QUEUES",
    "RESOURCES",
    "SECRETS",
    "TOPICS",
    "check_key_value",
    "check_leases",
    "check_queues",
    "check_resources",
    "check_secrets",
    "check_topics",
]
