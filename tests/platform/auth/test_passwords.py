"""Passwords: what is kept of them, and that nobody learns who there is from how long it takes."""

from __future__ import annotations

import asyncio
import threading

import pytest

from octo_platform.auth.passwords import Passwords
from octo_platform.problem import Problem

SECRET = "correct horse battery"


async def test_the_password_fits_and_no_other_does():
    passwords = Passwords()
    hashed = await passwords.hashed(SECRET)
    assert hashed.startswith("$argon2id$")
    assert await passwords.fits(SECRET, hashed)
    assert not await passwords.fits(SECRET + "x", hashed)
    assert not await passwords.fits(SECRET, "no hash")


async def test_for_a_user_that_there_is_not_the_same_work_is_done(monkeypatch):
    passwords, done = Passwords(), []
    verify = passwords._hasher.verify

    class Counting:
        hash = passwords._hasher.hash

        def verify(self, hashed, password):
            done.append(hashed.split("$")[3])
            return verify(hashed, password)

    passwords._hasher = Counting()
    hashed = await passwords.hashed(SECRET)
    assert not await passwords.fits(SECRET, None)
    assert not await passwords.fits("the password of nobody", None)
    assert not await passwords.fits("wrong", hashed)
    assert done == ["m=65536,t=3,p=4"] * 3


async def test_at_most_two_are_looked_at_at_once_and_only_so_many_wait():
    passwords = Passwords()
    gate, running, most = threading.Event(), [], []

    class Slow:
        def hash(self, password):
            running.append(password)
            most.append(len(running))
            gate.wait()
            running.remove(password)
            return "x"

    passwords._hasher = Slow()
    async with asyncio.TaskGroup() as tasks:
        asked = [tasks.create_task(passwords.hashed(f"{n}")) for n in range(32)]
        await asyncio.sleep(0)
        with pytest.raises(Problem) as refused:
            await passwords.hashed("one more")
        gate.set()
    assert refused.value.code == "busy"
    assert max(most) <= 2
    assert [each.result() for each in asked] == ["x"] * 32
