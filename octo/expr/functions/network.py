"""The network extension of CEL: IP addresses, and the networks they lie in."""

from octo.expr.addresses import CIDR, IP, parse_cidr, parse_ip
from octo.expr.cost import Cost
from octo.expr.errors import ExprError
from octo.expr.function import function

_LOOPBACK = (CIDR(IP(4, 127 << 24), 8), CIDR(IP(6, 1), 128))
_LINK_LOCAL = (CIDR(IP(4, 0xA9FE << 16), 16), CIDR(IP(6, 0xFE80 << 112), 10))
_LINK_LOCAL_MULTICAST = (CIDR(IP(4, 0xE0 << 24), 24), CIDR(IP(6, 0xFF02 << 112), 16))
_MULTICAST = (CIDR(IP(4, 0xE0 << 24), 4), CIDR(IP(6, 0xFF << 120), 8))
_BROADCAST = IP(4, 2**32 - 1)


def _is_in(address: IP, networks: tuple[CIDR, ...]) -> bool:
    return any(address.within(network) for network in networks)


# -- addresses


@function(
    "ip(string) -> net.IP",
    family="network",
    examples=['ip("2001:DB8::68") == ip("2001:db8::68")', 'string(ip("2001:DB8::68")) == "2001:db8::68"'],
    cost=Cost(base=64),
)
def ip(text: str) -> IP:
    """The IPv4 or IPv6 address written in the text."""
    return parse_ip(text)


@function(
    "isIP(string) -> bool", family="network", examples=['isIP("10.0.0.1")', '!isIP("10.0.0.256")'], cost=Cost(base=64)
)
def is_ip(text: str) -> bool:
    """Whether the text is an IP address."""
    try:
        parse_ip(text)
    except ExprError:
        return False
    return True


@function(
    "ip.isCanonical(string) -> bool",
    family="network",
    examples=['ip.isCanonical("127.0.0.1")', '!ip.isCanonical("2001:DB8::68")'],
    cost=Cost(base=64),
)
def is_canonical(text: str) -> bool:
    """Whether the text is an IP address in its canonical form."""
    return str(parse_ip(text)) == text


@function(
    "net.IP.family() -> int",
    family="network",
    examples=['ip("10.0.0.1").family() == 4', 'ip("::1").family() == 6'],
)
def family_of(address: IP) -> int:
    """The family of the address: 4 or 6."""
    return address.family


@function("net.IP.isUnspecified() -> bool", family="network", examples=['ip("0.0.0.0").isUnspecified()'])
def is_unspecified(address: IP) -> bool:
    """Whether the address is 0.0.0.0 or ::, which stand for any address."""
    return address.number == 0


@function("net.IP.isLoopback() -> bool", family="network", examples=['ip("127.0.0.1").isLoopback()'])
def is_loopback(address: IP) -> bool:
    """Whether the address means the machine itself."""
    return _is_in(address, _LOOPBACK)


@function(
    "net.IP.isGlobalUnicast() -> bool",
    family="network",
    examples=['ip("192.168.0.1").isGlobalUnicast()', '!ip("255.255.255.255").isGlobalUnicast()'],
)
def is_global_unicast(address: IP) -> bool:
    """Whether the address means one machine beyond the local link; private networks count."""
    local = _is_in(address, (*_LOOPBACK, *_MULTICAST, *_LINK_LOCAL))
    return not (local or address.number == 0 or address == _BROADCAST)


@function(
    "net.IP.isLinkLocalMulticast() -> bool",
    family="network",
    examples=['ip("224.0.0.1").isLinkLocalMulticast()', 'ip("ff02::1").isLinkLocalMulticast()'],
)
def is_link_local_multicast(address: IP) -> bool:
    """Whether the address means a group of machines on the local link."""
    return _is_in(address, _LINK_LOCAL_MULTICAST)


@function(
    "net.IP.isLinkLocalUnicast() -> bool",
    family="network",
    examples=['ip("169.254.1.1").isLinkLocalUnicast()', 'ip("fe80::1").isLinkLocalUnicast()'],
)
def is_link_local_unicast(address: IP) -> bool:
    """Whether the address means one machine on the local link."""
    return _is_in(address, _LINK_LOCAL)


# -- networks


@function(
    "cidr(string) -> net.CIDR",
    family="network",
    examples=['string(cidr("10.0.0.0/8")) == "10.0.0.0/8"'],
    cost=Cost(base=64),
)
def cidr(text: str) -> CIDR:
    """The network written as address/length."""
    return parse_cidr(text)


@function(
    "isCIDR(string) -> bool",
    family="network",
    examples=['isCIDR("10.0.0.0/8")', '!isCIDR("10.0.0.0")'],
    cost=Cost(base=64),
)
def is_cidr(text: str) -> bool:
    """Whether the text is a network such as 10.0.0.0/8."""
    try:
        parse_cidr(text)
    except ExprError:
        return False
    return True


@function(
    "net.CIDR.containsIP(net.IP) -> bool",
    family="network",
    examples=['cidr("10.0.0.0/8").containsIP(ip("10.1.2.3"))', '!cidr("10.0.0.0/8").containsIP(ip("::1"))'],
)
def contains_ip(network: CIDR, address: IP) -> bool:
    """Whether the address lies in the network."""
    return address.within(network)


@function(
    "net.CIDR.containsIP(string) -> bool",
    family="network",
    examples=['cidr("10.0.0.0/8").containsIP("10.1.2.3")'],
    cost=Cost(base=64),
)
def contains_ip_text(network: CIDR, address: str) -> bool:
    """Whether the address lies in the network."""
    return parse_ip(address).within(network)


@function(
    "net.CIDR.containsCIDR(net.CIDR) -> bool",
    family="network",
    examples=['cidr("10.0.0.0/8").containsCIDR(cidr("10.1.0.0/16"))'],
)
def contains_cidr(network: CIDR, other: CIDR) -> bool:
    """Whether all addresses of the other network lie in this one."""
    return network.covers(other)


@function(
    "net.CIDR.containsCIDR(string) -> bool",
    family="network",
    examples=['!cidr("10.0.0.0/8").containsCIDR("0.0.0.0/0")'],
    cost=Cost(base=64),
)
def contains_cidr_text(network: CIDR, other: str) -> bool:
    """Whether all addresses of the other network lie in this one."""
    return network.covers(parse_cidr(other))


@function("net.CIDR.ip() -> net.IP", family="network", examples=['cidr("10.1.2.3/8").ip() == ip("10.1.2.3")'])
def ip_of(network: CIDR) -> IP:
    """The address that the network was written with."""
    return network.ip


@function(
    "net.CIDR.masked() -> net.CIDR",
    family="network",
    examples=['cidr("10.1.2.3/8").masked() == cidr("10.0.0.0/8")'],
)
def masked(network: CIDR) -> CIDR:
    """The same network, written with its first address."""
    return network.masked()


@function("net.CIDR.prefixLength() -> int", family="network", examples=['cidr("10.0.0.0/8").prefixLength() == 8'])
def prefix_length(network: CIDR) -> int:
    """The number of leading bits that all addresses of the network share."""
    return network.length
