"""Sealed values open with their key, at their place, and not otherwise."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given, strategies as st

from octo_platform.storage.sealing import Keyring, Unsealable, new_key


@given(st.binary(max_size=200), st.text(max_size=50))
def test_what_is_sealed_opens_at_its_place(value, place):
    ring = Keyring([new_key()])
    assert ring.open(place, ring.seal(place, value)) == value


def test_a_value_that_was_moved_does_not_open():
    ring = Keyring([new_key()])
    with pytest.raises(Unsealable, match="changed or moved"):
        ring.open("secret/b", ring.seal("secret/a", b"x"))


@given(st.integers(min_value=0, max_value=30))
def test_a_value_that_was_changed_does_not_open(position):
    ring = Keyring([new_key()])
    key, _, text = ring.seal("a", b"abc").partition(":")
    data = bytearray(base64.b64decode(text))
    data[position] ^= 1
    with pytest.raises(Unsealable):
        ring.open("a", f"{key}:{base64.b64encode(data).decode()}")


def test_an_old_key_still_opens_and_the_newest_seals():
    old, new = new_key(), new_key()
    sealed = Keyring([old]).seal("a", b"abc")
    ring = Keyring([new, old])
    assert ring.open("a", sealed) == b"abc"
    assert not ring.is_newest(sealed)
    assert ring.is_newest(ring.seal("a", b"abc"))


def test_without_its_key_the_error_names_the_key_and_not_the_value():
    sealed = Keyring([new_key()]).seal("a", b"abc")
    with pytest.raises(Unsealable, match=sealed.partition(":")[0]):
        Keyring([new_key()]).open("a", sealed)


@pytest.mark.parametrize("text", ["", "a:", "a:***", "nothing at all", ":"])
def test_what_is_no_sealed_value_does_not_open(text):
    ring = Keyring([new_key()])
    with pytest.raises(Unsealable):
        ring.open("a", text.replace("a:", f"{ring.newest}:"))


@pytest.mark.parametrize("key", ["", "short", "é", base64.b64encode(b"x" * 31).decode()])
def test_a_wrong_key_is_refused(key):
    with pytest.raises(ValueError, match="32 bytes"):
        Keyring([key])
