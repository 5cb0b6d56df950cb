"""Addresses and networks are values: read once, compared by what they are, written canonically."""

import pytest

from octo.expr import ExprError, to_json
from octo.expr.addresses import CIDR, IP, parse_cidr, parse_ip


@pytest.mark.parametrize(
    ("written", "canonical"),
    [("10.0.0.1", "10.0.0.1"), ("2001:DB8:0:0::68", "2001:db8::68"), ("::ffff:c0a8:1", "::ffff:c0a8:1")],
)
def test_the_text_of_an_address_is_canonical_on_every_python(written, canonical):
    assert str(parse_ip(written)) == canonical
    assert parse_ip(canonical) == parse_ip(written)


@pytest.mark.parametrize("text", ["", "1.2.3", "01.2.3.4", "1.2.3.4/8", "fe80::1%en0", "::ffff:1.2.3.4", "x"])
def test_what_is_no_address_is_refused(text):
    with pytest.raises(ExprError, match="not an IP address"):
        parse_ip(text)


@pytest.mark.parametrize(
    "text", ["1.2.3.4", "1.2.3.4/", "1.2.3.4/33", "1.2.3.4/08", "1.2.3.4/255.0.0.0", "::/-1", "::/\u0661"]
)
def test_what_is_no_network_is_refused(text):
    with pytest.raises(ExprError, match="not a network"):
        parse_cidr(text)


def test_addresses_and_networks_of_two_families_have_nothing_in_common():
    assert IP(4, 1) != IP(6, 1)
    assert CIDR(IP(4, 0), 0) != CIDR(IP(6, 0), 0)
    assert not IP(4, 1).within(CIDR(IP(6, 0), 0))
    assert len({IP(4, 1), IP(6, 1), parse_ip("0.0.0.1")}) == 2


def test_they_are_their_text_in_json_and_in_messages(evaluate, failure):
    assert to_json(evaluate('[ip("::1"), cidr("10.0.0.0/8")]')) == ["::1", "10.0.0.0/8"]
    assert repr(parse_cidr("10.0.0.0/8")) == 'cidr("10.0.0.0/8")'
    assert str(failure('dyn(ip("::1")) + 1')).startswith("no such overload: net.IP + int")


def test_an_ipv4_address_mapped_into_ipv6_is_that_address(evaluate):
    assert evaluate("ip('::ffff:c0a8:1') == ip('192.168.0.1')") is True
    assert evaluate("ip('::ffff:c0a8:1') == ip('192.168.10.1')") is False
    assert evaluate("ip('::c0a8:1') == ip('192.168.0.1')") is False
    assert evaluate("[ip('::ffff:c0a8:1'), ip('192.168.0.1')].distinct().size()") == 1
    assert evaluate("ip('192.168.0.1') in [ip('::ffff:c0a8:1')]") is True


def test_a_list_of_networks_cannot_be_avoided_by_the_form_of_an_address(evaluate):
    assert evaluate("cidr('192.168.0.0/16').containsIP('::ffff:c0a8:1')") is True
    assert evaluate("ip('::ffff:7f00:1').isLoopback() && ip('::ffff:a9fe:1').isLinkLocalUnicast()") is True
    assert evaluate("cidr('::ffff:0:0/96').containsIP('::ffff:c0a8:1')") is True
    assert evaluate("cidr('::/0').containsIP('192.168.0.1')") is False
