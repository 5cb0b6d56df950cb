"""Types that are exchanged in a form of our own; `test_postgres.py` tries them on a server."""

import struct

import pytest

from octo.connectors.database import codecs
from octo.core.errors import Permanent


@pytest.mark.parametrize("text", ["", "1", "101", "10110011", "101100111"])
def test_bits_of_any_number_survive(text):
    assert codecs._read_bits(codecs._bits(text)) == text


@pytest.mark.parametrize("number", [0.1, 1e-45, 3.4028235e38, 16777216.0, -1.1754944e-38, 0.0])
def test_a_real_has_the_fewest_digits_that_tell_it_from_its_neighbours(number):
    """Its 32 bits as a double would be 0.10000000149011612."""
    assert codecs._real(struct.pack(">f", number)) == number


def test_json_that_is_none_for_us_is_permanent():
    with pytest.raises(Permanent, match="a json value of the row cannot be read"):
        codecs._json(b'"\\ud800"')
