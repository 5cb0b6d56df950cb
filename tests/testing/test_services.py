"""The conformance suites can fail: each of their checks catches a provider that breaks its promise."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from contextlib import asynccontextmanager, suppress
from functools import partial

import pytest

from octo.core.settings import Secret
from octo.services.memory import key_value, leases, queues, resources, secrets, topics
from octo.services.ports import Entry, Event, Lagged, Lease, Lost, Page
from octo.testing import clock
from octo.testing.services import (
    KEY_VALUE,
    LEASES,
    QUEUES,
    RESOURCES,
    SECRETS,
    TOPICS,
    check_key_value,
    check_leases,
    check_queues,
    check_resources,
    check_secrets,
    check_topics,
)
from octo.testing.services.resources import CONTENT as FILES
from octo.testing.services.secrets import CONTENT as TEXTS
from octo.testing.services.suite import same

BROKEN = []
"""Providers that break promises, each with the suite and the names of the checks that catch it."""


def breaks(suite, *checks, build=lambda cls: cls()):
    def mark(cls):
        BROKEN.append(pytest.param(suite, partial(opened, cls, build), checks, id=f"{suite.port}-{cls.__name__}"))
        return cls

    return mark


@asynccontextmanager
async def opened(cls, build):
    yield build(cls)


def as_json(value):
    """The value after a round trip through plain JSON."""
    return json.loads(json.dumps(value, default=str))


# --- key-value ---------------------------------------------------------------------------------------------------

Store = key_value.Store


@breaks(KEY_VALUE, "a_version_is_compared", "one_of_many_creates", "no_write_over_a_version_is_lost")
class IgnoresVersions(Store):
    async def put(self, namespace, key, value, *, version=None, ttl=None):
        return await super().put(namespace, key, value, ttl=ttl)


@breaks(KEY_VALUE, "one_of_many_creates", "no_write_over_a_version_is_lost")
class ComparesTooEarly(Store):
    async def put(self, namespace, key, value, *, version=None, ttl=None):
        cell = self._cell(namespace, key)
        key_value._expect(cell, key, version)
        await asyncio.sleep(0)
        return await super().put(namespace, key, value, ttl=ttl)


@breaks(KEY_VALUE, "entries_expire")
class NeverExpires(Store):
    async def put(self, namespace, key, value, *, version=None, ttl=None):
        return await super().put(namespace, key, value, version=version)


@breaks(KEY_VALUE, "each_write_sets_the_end")
class KeepsTheFirstEnd(Store):
    def _write(self, namespace, key, value, expires):
        old = self._cell(namespace, key)
        return super()._write(namespace, key, value, expires if old is None or old.expires is None else old.expires)


@breaks(KEY_VALUE, "versions_only_grow")
class CountsVersionsPerEntry(Store):
    def _write(self, namespace, key, value, expires):
        cell = self._cell(namespace, key)
        self._version = 0 if cell is None else cell.version
        return super()._write(namespace, key, value, expires)


@breaks(KEY_VALUE, "written_is_read")
class HasOneNamespace(Store):
    async def get(self, namespace, key):
        return await super().get("all", key)

    async def put(self, namespace, key, value, *, version=None, ttl=None):
        return await super().put("all", key, value, version=version, ttl=ttl)

    async def delete(self, namespace, key, *, version=None):
        await super().delete("all", key, version=version)


@breaks(KEY_VALUE, "a_prefix_is_no_pattern")
class TakesPrefixesForPatterns(Store):
    async def list(self, namespace, prefix="", *, after="", most=100):
        return await super().list(namespace, prefix.partition("%")[0].partition("*")[0], after=after, most=most)


@breaks(KEY_VALUE, "keys_are_kept_apart")
class IgnoresCase(Store):
    async def get(self, namespace, key):
        return await super().get(namespace, key.lower())

    async def put(self, namespace, key, value, *, version=None, ttl=None):
        return await super().put(namespace, key.lower(), value, version=version, ttl=ttl)


@breaks(KEY_VALUE, "keys_are_listed_in_parts")
class ListsAsWritten(Store):
    async def list(self, namespace, prefix="", *, after="", most=100):
        found = [key for key in self._spaces.get(namespace, {}) if key.startswith(prefix)]
        first = found.index(after) + 1 if after else 0
        part = tuple(found[first : first + most])
        return Page(part, part[-1] if first + most < len(found) else "")


@breaks(KEY_VALUE, "what_stays_is_listed_once")
class CountsPages(Store):
    async def list(self, namespace, prefix="", *, after="", most=100):
        first = int(after or 0)
        found = sorted(key for key in self._spaces.get(namespace, {}) if key.startswith(prefix))
        return Page(tuple(found[first : first + most]), str(first + most) if first + most < len(found) else "")


@breaks(KEY_VALUE, "no_increment_is_lost")
class LosesIncrements(Store):
    async def increment(self, namespace, key, by=1, *, ttl=None):
        entry = await self.get(namespace, key)
        await asyncio.sleep(0)
        count = by + (entry.value if entry else 0)
        await self.put(namespace, key, count, ttl=ttl)
        return count


@breaks(KEY_VALUE, "counters_count")
class MovesTheWindow(Store):
    async def increment(self, namespace, key, by=1, *, ttl=None):
        entry = await self.get(namespace, key)
        count = by + (entry.value if entry else 0)
        await self.put(namespace, key, count, ttl=ttl)
        return count


@breaks(KEY_VALUE, "only_numbers_count")
class CountsAnything(Store):
    async def increment(self, namespace, key, by=1, *, ttl=None):
        entry = await self.get(namespace, key)
        await self.put(namespace, key, by + int(entry.value or 0 if entry else 0), ttl=ttl)
        return by


@breaks(KEY_VALUE, "values_come_back")
class StoresPlainJson(Store):
    async def get(self, namespace, key):
        entry = await super().get(namespace, key)
        return entry and Entry(as_json(entry.value), entry.version)


@breaks(KEY_VALUE, "beyond_the_limits_is_refused")
class CutsKeys(Store):
    async def put(self, namespace, key, value, *, version=None, ttl=None):
        return await super().put(namespace, key[:500].replace("\0", "") or "?", value, version=version, ttl=ttl)


# --- leases ------------------------------------------------------------------------------------------------------

Holders = leases.Holders


@breaks(LEASES, "one_at_a_time", "never_two_at_once", "one_of_many_gets_it")
class GivesToEverybody(Holders):
    def _holder(self, name):
        return None


@breaks(LEASES, "one_of_many_gets_it", "never_two_at_once")
class LooksTooEarly(Holders):
    async def acquire(self, name, ttl, *, wait=0.0):
        if wait == 0.0 and self._holder(name) is not None:
            return None
        await asyncio.sleep(0)
        self._token += 1
        self._held[name] = leases._Held(self._token, asyncio.get_running_loop().time() + ttl)
        return Lease(name, self._token)


@breaks(LEASES, "a_lease_ends", "who_lost_it_cannot_hurt")
class NeverEnds(Holders):
    async def acquire(self, name, ttl, *, wait=0.0):
        return await super().acquire(name, 1e9, wait=wait)


@breaks(LEASES, "a_lease_ends", "who_lost_it_cannot_hurt")
class RenewsWhatIsLost(Holders):
    async def renew(self, lease, ttl):
        self._held[lease.name] = leases._Held(lease.token, asyncio.get_running_loop().time() + ttl)


@breaks(LEASES, "who_lost_it_cannot_hurt")
class ReleasesByName(Holders):
    async def release(self, lease):
        self._held.pop(lease.name, None)


@breaks(LEASES, "a_renewed_lease_goes_on")
class RenewsNothing(Holders):
    async def renew(self, lease, ttl):
        if not self._is_held(lease):
            raise Lost("too late")


@breaks(LEASES, "tokens_only_grow")
class CountsTokensPerHolder(Holders):
    async def acquire(self, name, ttl, *, wait=0.0):
        self._token = 0
        return await super().acquire(name, ttl, wait=wait)


@breaks(LEASES, "waiting_ends_with_the_lease")
class DoesNotWait(Holders):
    async def acquire(self, name, ttl, *, wait=0.0):
        return await super().acquire(name, ttl)


@breaks(LEASES, "who_stops_waiting_takes_nothing")
class GivesToTheGone(Holders):
    async def acquire(self, name, ttl, *, wait=0.0):
        if wait:
            self.task = asyncio.get_running_loop().create_task(super().acquire(name, ttl, wait=wait))
            return await asyncio.shield(self.task)
        return await super().acquire(name, ttl)


@breaks(LEASES, "names_are_kept_apart")
class TrimsNames(Holders):
    async def acquire(self, name, ttl, *, wait=0.0):
        return await super().acquire(name.strip() or "?", ttl, wait=wait)


@breaks(LEASES, "beyond_the_limits_is_refused")
class TakesAnyName(Holders):
    async def acquire(self, name, ttl, *, wait=0.0):
        return await super().acquire(name or "?", ttl, wait=wait)


# --- queues ------------------------------------------------------------------------------------------------------

Lines = queues.Lines


@breaks(QUEUES, "sent_is_received", "what_is_not_settled_comes_back", "given_back_it_comes_again")
class ForgetsWhatItGaveOut(Lines):
    async def receive(self, queue, *, most=1, lease=30.0, wait=0.0, dead=False):
        found = await super().receive(queue, most=most, lease=lease, wait=wait, dead=dead)
        for each in found:
            await super().ack(each)
        return found

    async def ack(self, received, reply=None): ...

    async def nack(self, received, *, delay=0.0): ...


@breaks(QUEUES, "looking_takes_nothing")
class LendsWhatIsLookedAt(Lines):
    async def browse(self, queue, *, dead=False, after="", most=100):
        seen = await super().browse(queue, dead=dead, after=after, most=most)
        await self.receive(queue, most=most, dead=dead)
        return seen


@breaks(QUEUES, "looking_takes_nothing")
class SeesOnlyWhatWaits(Lines):
    async def browse(self, queue, *, dead=False, after="", most=100):
        seen = await super().browse(queue, dead=dead, after=after, most=most)
        waiting = {item.id for _, _, item in self._lines[queue, dead].waiting} if (queue, dead) in self._lines else ()
        return seen._replace(messages=[each for each in seen.messages if each.id in waiting])


@breaks(QUEUES, "what_is_not_settled_comes_back", "rejected_is_kept_apart")
class LendsForEver(Lines):
    async def receive(self, queue, *, most=1, lease=30.0, wait=0.0, dead=False):
        return await super().receive(queue, most=most, lease=1e9, wait=wait, dead=dead)


@breaks(QUEUES, "sent_is_received", "receivers_share")
class GivesToEveryReceiver(Lines):
    async def receive(self, queue, *, most=1, lease=30.0, wait=0.0, dead=False):
        found = await super().receive(queue, most=most, lease=lease, wait=wait, dead=dead)
        await asyncio.sleep(0)
        for each in found:
            line = self._lines.get((queue, dead))
            if line is not None and each.receipt[1] in line.lent and each.attempt == 1:
                line.waiting.append((0.0, 0, line.lent[each.receipt[1]][1]))
        return found


@breaks(QUEUES, "first_in_is_first_out", "values_come_through")
class TakesTheNewestFirst(Lines):
    async def receive(self, queue, *, most=1, lease=30.0, wait=0.0, dead=False):
        found = await super().receive(queue, most=most, lease=lease, wait=wait, dead=dead)
        return found[::-1]


@breaks(QUEUES, "extended_it_stays")
class ExtendsNothing(Lines):
    async def extend(self, received, lease):
        self._lent(received)


@breaks(QUEUES, "a_late_ack_loses_nothing")
class ForgivesLateAcks(Lines):
    async def ack(self, received, reply=None):
        with suppress(Lost):
            await super().ack(received, reply)


@breaks(QUEUES, "who_lost_it_cannot_hurt")
class SettlesById(Lines):
    def _lent(self, received):
        line = self._lines[received.queue, received.receipt[0]]
        for receipt, (_, item) in line.lent.items():
            if item.id == received.id:
                return line, receipt, item
        raise Lost("gone")


@breaks(QUEUES, "settling_beyond_the_limits_is_refused")
class ExtendsByAnything(Lines):
    async def extend(self, received, lease):
        await super().extend(received, lease if 0 < lease < 1e9 else 60)


@breaks(QUEUES, "given_back_it_comes_again", "a_request_gets_its_reply")
class CountsNoAttempts(Lines):
    def _put(self, lane, item, delay):
        item.attempt = 0
        super()._put(lane, item, delay)


@breaks(QUEUES, "one_that_fails_holds_up_nobody", "a_delayed_message_waits")
class HoldsUpEverybody(Lines):
    def _take(self, lane, most, lease):
        now, line = asyncio.get_running_loop().time(), self._lines.get(lane)
        return [] if line and any(due > now for due, *_ in line.waiting) else super()._take(lane, most, lease)


@breaks(QUEUES, "a_delayed_message_waits", "given_back_it_comes_again")
class KnowsNoDelay(Lines):
    def _put(self, lane, item, delay):
        super()._put(lane, item, 0.0)


ORDER = (
    *("an_ordering_key_keeps_the_order", "who_waits_for_a_key_is_woken", "a_retry_holds_up_its_ordering_key_alone"),
    *("who_vanishes_loses_no_order", "a_dead_letter_frees_its_ordering_key", "ordering_keys_are_kept_apart"),
)


@breaks(QUEUES, *ORDER, "many_receivers_keep_the_order")
class ForgetsToRefuse(Lines):
    keeps_order = False


@breaks(QUEUES, *ORDER, "many_receivers_keep_the_order")
class IgnoresTheOrder(Lines):
    async def send(self, queue, value, *, delay=0.0, key="", order=""):
        return await super().send(queue, value, delay=delay, key=key)


@breaks(QUEUES, "who_waits_for_a_key_is_woken", "a_dead_letter_frees_its_ordering_key")
class LosesWhatIsBehind(Lines):
    def _out(self, received):
        self._lines[received.queue, received.receipt[0]].behind.clear()
        return super()._out(received)


@breaks(QUEUES, "a_retry_holds_up_its_ordering_key_alone")
class FreesTheKeyTooEarly(Lines):
    async def nack(self, received, *, delay=0.0):
        item = self._out(received)
        self._put((received.queue, False), item, delay)


@breaks(QUEUES, "a_key_sends_once")
class SendsTwice(Lines):
    async def send(self, queue, value, *, delay=0.0, key="", order=""):
        return await super().send(queue, value, delay=delay, order=order)


@breaks(QUEUES, "a_key_sends_once")
class KnowsKeysWhileTheyWait(Lines):
    async def ack(self, received, reply=None):
        await super().ack(received, reply)
        self._known.clear()


@breaks(QUEUES, "who_waits_is_woken", "what_is_not_settled_comes_back")
class NeverWaits(Lines):
    async def receive(self, queue, *, most=1, lease=30.0, wait=0.0, dead=False):
        return await super().receive(queue, most=most, lease=lease, dead=dead)


@breaks(QUEUES, "rejected_is_kept_apart", "a_request_that_is_rejected_fails")
class DropsTheRejected(Lines):
    async def reject(self, received, reason):
        await super().ack(received)


@breaks(QUEUES, "a_reason_is_any_text")
class TakesFairWordsOnly(Lines):
    async def reject(self, received, reason):
        reason.encode()
        await super().reject(received, reason)


@breaks(QUEUES, "a_request_gets_its_reply")
class MixesUpReplies(Lines):
    async def ack(self, received, reply=None):
        await super().ack(received, None)


@breaks(QUEUES, "a_request_that_nobody_takes_ends")
class WithdrawsRequests(Lines):
    async def request(self, queue, value, *, timeout):
        try:
            return await super().request(queue, value, timeout=timeout)
        finally:
            self._lines.pop((queue, False), None)


@breaks(QUEUES, "names_are_kept_apart")
class HasCaselessQueues(Lines):
    async def send(self, queue, value, *, delay=0.0, key="", order=""):
        return await super().send(queue.casefold(), value, delay=delay, key=key, order=order)

    async def receive(self, queue, *, most=1, lease=30.0, wait=0.0, dead=False):
        return await super().receive(queue.casefold(), most=most, lease=lease, wait=wait, dead=dead)


@breaks(QUEUES, "values_come_through")
class CarriesPlainJson(Lines):
    async def receive(self, queue, *, most=1, lease=30.0, wait=0.0, dead=False):
        found = await super().receive(queue, most=most, lease=lease, wait=wait, dead=dead)
        return [each._replace(value=as_json(each.value)) for each in found]


@breaks(QUEUES, "beyond_the_limits_is_refused")
class SendsAnything(Lines):
    async def send(self, queue, value, *, delay=0.0, key="", order=""):
        return await super().send(queue, repr(value)[:10], delay=delay, key=key, order=order)


@breaks(QUEUES, "settling_beyond_the_limits_is_refused")
class RepliesAnything(Lines):
    async def ack(self, received, reply=None):
        await super().ack(received, repr(reply)[:10])


# --- topics ------------------------------------------------------------------------------------------------------

Logs = topics.Logs


class Wrapped(Logs):
    """A provider whose `subscribe` returns another reader."""

    Reader = topics.Reader

    @asynccontextmanager
    async def subscribe(self, topic, *, durable=""):
        async with super().subscribe(topic, durable=durable) as reader:
            reader.__class__ = self.Reader
            yield reader


@breaks(TOPICS, "everybody_gets_it")
class Competes(Wrapped):
    class Reader(topics.Reader):
        async def __anext__(self):
            event = await super().__anext__()
            for reader in self._log.readers:
                reader.seen = max(reader.seen, int(event.cursor))
            return event


@breaks(TOPICS, "who_waits_is_woken")
class LosesWhileNobodyWaits(Wrapped):
    class Reader(topics.Reader):
        async def __anext__(self):
            self.seen = self._log.last
            return await super().__anext__()


@breaks(TOPICS, "who_left_gets_nothing")
class RemembersEverybody(Logs):
    def subscribe(self, topic, *, durable=""):
        return super().subscribe(topic, durable=durable or "anonymous")


@breaks(TOPICS, "a_durable_subscriber_misses_nothing", "durable_subscribers_are_kept_apart")
class RemembersNobody(Logs):
    def subscribe(self, topic, *, durable=""):
        return super().subscribe(topic)


@breaks(TOPICS, "a_durable_subscriber_misses_nothing")
class CommitsWhatItGives(Wrapped):
    class Reader(topics.Reader):
        async def __anext__(self):
            event = await super().__anext__()
            await self.commit(event)
            return event


@breaks(TOPICS, "a_commit_never_goes_back")
class CommitsWhatIsSaid(Wrapped):
    class Reader(topics.Reader):
        async def commit(self, event):
            self._log.durable[self.durable] = int(event.cursor)


@breaks(TOPICS, "a_commit_counts_after_it_left")
class CommitsWhileOpen(Wrapped):
    class Reader(topics.Reader):
        async def commit(self, event):
            if self in self._log.readers:
                await super().commit(event)


@breaks(TOPICS, "durable_subscribers_are_kept_apart")
class CommitsForAll(Wrapped):
    class Reader(topics.Reader):
        async def commit(self, event):
            for name in self._log.durable:
                self._log.durable[name] = int(event.cursor)


@breaks(TOPICS, "forgotten_it_begins_anew")
class ForgetsNothing(Logs):
    async def forget(self, topic, durable): ...


@breaks(TOPICS, "who_falls_behind_is_told")
class SkipsSilently(Wrapped):
    class Reader(topics.Reader):
        async def __anext__(self):
            try:
                return await super().__anext__()
            except Lagged:
                return await super().__anext__()


@breaks(TOPICS, "names_are_kept_apart")
class TrimsSubscribers(Logs):
    def subscribe(self, topic, *, durable=""):
        return super().subscribe(topic, durable=durable.strip())


@breaks(TOPICS, "values_come_through")
class PublishesPlainJson(Wrapped):
    class Reader(topics.Reader):
        async def __anext__(self):
            event = await super().__anext__()
            return Event(as_json(event.value), event.cursor)


@breaks(TOPICS, "beyond_the_limits_is_refused")
class PublishesAnything(Logs):
    async def publish(self, topic, value):
        await super().publish(topic, repr(value)[:10])


# --- secrets and resources ---------------------------------------------------------------------------------------


class Known(secrets.Known):
    def __init__(self):
        super().__init__(TEXTS)


class Files(resources.Files):
    def __init__(self):
        super().__init__(FILES)


@breaks(SECRETS, "a_secret_is_read_exactly")
class Strips(Known):
    async def read(self, name):
        return Secret((await super().read(name)).get_secret_value().strip())


class Loud(str):
    __slots__ = ()

    def get_secret_value(self):
        return str(self)


@breaks(SECRETS, "a_secret_is_never_printed")
class Prints(Known):
    async def read(self, name):
        return Loud((await super().read(name)).get_secret_value())


@breaks(SECRETS, "a_missing_one_is_named")
class MakesUpSecrets(Known):
    async def read(self, name):
        return Secret(self._texts.get(name, ""))


@breaks(RESOURCES, "a_resource_is_read_exactly")
class ReadsText(Files):
    async def read(self, name):
        return (await super().read(name)).decode("latin-1").replace("\r\n", "\n").encode("latin-1")


@breaks(RESOURCES, "resources_are_listed")
class ListsFolders(Files):
    async def list(self, prefix="", *, after="", most=100):
        found = await super().list(prefix, after=after, most=most)
        return found._replace(names=tuple(dict.fromkeys(name.partition("/")[0] for name in found.names)))


@breaks(RESOURCES, "a_missing_one_is_named")
class ReadsNothing(Files):
    async def read(self, name):
        return self._contents.get(name, b"")


@breaks(RESOURCES, "nothing_outside_is_read")
class FollowsPaths(Files):
    async def read(self, name):
        parts = deque()
        for part in name.split("/"):
            if part == ".." and parts:
                parts.pop()
            elif part not in ("", ".", ".."):
                parts.append(part)
        return await super().read("/".join(parts))


# --- the tests ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("suite", "opened", "checks"), BROKEN)
def test_a_broken_provider_is_caught(suite, opened, checks):
    """The checks of the broken promise fail, and their errors quote it."""
    for name in checks:
        (check,) = [each for each in suite.checks if each.__name__ == name]
        with pytest.raises(AssertionError) as caught:
            clock.run(suite.run_one(check, opened))

        assert str(caught.value).startswith(f"{suite.port}: {check.__doc__}")


@pytest.mark.parametrize("suite", [KEY_VALUE, LEASES, QUEUES, TOPICS, SECRETS, RESOURCES], ids=lambda each: each.port)
def test_every_check_can_fail(suite):
    """There is a broken provider for every check, so each can fail."""
    caught = {name for each in BROKEN if each.values[0] is suite for name in each.values[2]}

    assert caught == {check.__name__ for check in suite.checks}


@pytest.mark.parametrize(
    ("check", "good", "broken"),
    [
        (check_key_value, key_value.opened, partial(opened, NeverExpires, lambda cls: cls())),
        (check_leases, leases.opened, partial(opened, NeverEnds, lambda cls: cls())),
        (check_queues, queues.opened, partial(opened, LendsForEver, lambda cls: cls())),
        (check_topics, topics.opened, partial(opened, RemembersNobody, lambda cls: cls())),
        (check_secrets, partial(secrets.opened, TEXTS), partial(opened, Prints, lambda cls: cls())),
        (check_resources, partial(resources.opened, FILES), partial(opened, ReadsNothing, lambda cls: cls())),
    ],
)
def test_a_whole_suite_is_one_call(check, good, broken):
    """The functions that authors call pass a good provider, and raise the first broken promise of a bad one."""
    clock.run(check(good))
    with pytest.raises(AssertionError):
        clock.run(check(broken))


def test_equal_values_of_other_types_are_not_the_same():
    """1, 1.0 and True are equal in Python, and three values here; so are 0.0 and -0.0."""
    assert not any([same(1, 1.0), same(1, True), same([1], [1.0]), same({"a": b""}, {"a": ""}), same(0.0, -0.0)])
    assert same({"a": [1, b"\0"], "b": 2**100}, {"b": 2**100, "a": [1, b"\0"]})
