"""What a message of JetStream carries."""

from __future__ import annotations

import random

import pytest

from octo.services import limits, squeezed, values
from octo.services.nats import payload

CHANCE = random.Random(7)
CONTROL = "".join(chr(CHANCE.randrange(1, 32)) for _ in range(limits.LARGEST_VALUE - 2))
LARGEST = {
    "bytes": CHANCE.randbytes(limits.LARGEST_VALUE),
    "characters that are escaped": CONTROL,
    "characters of many bytes": "".join(
        chr(CHANCE.randrange(0x10000, 0x11000)) for _ in range(limits.LARGEST_VALUE // 4 - 2)
    ),
    "empty bytes": [b""] * (limits.LARGEST_VALUE - 2),
    "numbers": [CHANCE.random() for _ in range(limits.LARGEST_VALUE // 17 - 2)],
}


@pytest.mark.parametrize("stored", [b"", b"\n", b"a\nb", bytes(range(256)), b"x" * squeezed.LARGE])
@pytest.mark.parametrize("about", [{}, {"id": "\ud800\0", "attempt": 3, "due": 1.5}])
def test_what_was_written_is_read(about, stored):
    assert payload.read(payload.written(about, stored)) == (about, stored)


@pytest.mark.parametrize("value", LARGEST.values(), ids=LARGEST)
def test_the_largest_values_fit_into_what_the_server_must_take(value):
    """The limit of a value counts its text, not the JSON in which it is stored."""
    assert limits.size(value)
    stored = values.sealed(value, "q")
    data = payload.written({"reply": "x" * 200, "id": "x" * 32}, stored)

    assert len(data) < squeezed.MOST - 8192
    assert payload.read(data).stored == stored


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"{}", b"no JSON\n", b"[]\n", b"1\n", b"\xff\n"),
        *(b'{"attempt":"x"}\n', b'{"attempt":true}\n', b'{"due":"x"}\n', b'{"strange":1}\n'),
        *(b'{"z":3}\nno zlib', b'{"z":-1}\n'),
    ],
)
def test_what_others_wrote_is_no_payload(data):
    with pytest.raises(ValueError):
        payload.read(data)


def test_a_bomb_is_not_inflated():
    """No more bytes than it says, and it says no more than a value takes."""
    written = payload.written({}, b"\0" * (200 << 20))
    assert len(written) < 1 << 20

    with pytest.raises(ValueError):
        payload.read(written)
    with pytest.raises(ValueError):
        payload.read(written.replace(b'"z": 209715200', b'"z": 10'))
