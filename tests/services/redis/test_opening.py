"""The services in Redis, opened as a process opens them."""

from __future__ import annotations

import sys

import pytest

from octo.core.errors import Permanent
from octo.services.places import openers


async def test_all_services_of_a_url_share_one_store(redis, fresh_redis):
    found = openers(f"{redis.url}?prefix={fresh_redis.prefix}")
    async with found["key-value"]() as entries, found["queues"]() as queues:
        assert entries.health.__self__ is queues.health.__self__
        await entries.put("a", "k", 1)
        await queues.send("orders", 2)


async def test_without_the_package_it_says_what_to_install(monkeypatch, redis):
    monkeypatch.delitem(sys.modules, "octo.services.redis.store", raising=False)
    monkeypatch.setitem(sys.modules, "redis", None)
    for name in [each for each in sys.modules if each.startswith(("octo.services.redis.", "redis."))]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(Permanent, match=r"pip install 'octo-flows\[redis\]'"):
        async with openers(redis.url)["queues"]():
            pass
