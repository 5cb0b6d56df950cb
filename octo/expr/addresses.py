"""IP addresses and the networks they lie in, as values of CEL.

These are small classes of our own: Python's `ipaddress` takes longer to import than all of CEL, and the text it writes
for an IPv4 address mapped into IPv6 differs between Python versions. It is imported when an expression first reads an
address.
"""

from typing import Final

from octo.expr.errors import CONVERSION, ExprError, quoted

BITS: Final = {4: 32, 6: 128}
_MAPPED: Final = 0xFFFF


class IP:
    """An address: its family, 4 or 6, and its bits as a number."""

    __slots__ = ("family", "number")

    def __init__(self, family: int, number: int) -> None:
        self.family = family
        self.number = number

    def __eq__(self, other: object) -> bool:
        """Whether both are the same address; an IPv4 address mapped into IPv6 is that IPv4 address."""
        if not isinstance(other, IP):
            return NotImplemented
        return self._plain == other._plain

    def __hash__(self) -> int:
        # The hash of a text is keyed. That of a number is not: one could choose any number of addresses with one hash.
        family, number = self._plain
        return hash((IP, family, f"{number:x}"))

    @property
    def _plain(self) -> tuple[int, int]:
        """Family and number, without the prefix of an IPv4 address that is mapped into IPv6."""
        if self.family == 6 and self.number >> 32 == _MAPPED:
            return 4, self.number & 0xFFFF_FFFF
        return self.family, self.number

    def __str__(self) -> str:
        """The canonical text (RFC 5952)."""
        from ipaddress import IPv4Address, IPv6Address

        if self.family == 4:
            return str(IPv4Address(self.number))
        if self.number >> 32 == _MAPPED:
            return f"::ffff:{self.number >> 16 & 0xFFFF:x}:{self.number & 0xFFFF:x}"
        return str(IPv6Address(self.number))

    def __repr__(self) -> str:
        return f'ip("{self}")'

    def within(self, network: "CIDR") -> bool:
        """Whether the address shares the first bits of the network; families never share any.

        An IPv4 address mapped into IPv6 lies in IPv4 networks as well: the check of a list must not depend on the form
        in which an address is written.
        """
        address = self if self.family == network.ip.family else IP(*self._plain)
        return address.family == network.ip.family and network.prefix_of(address) == network.prefix_of(network.ip)


class CIDR:
    """A network: an address in it, and how many of its first bits all its addresses share."""

    __slots__ = ("ip", "length")

    def __init__(self, ip: IP, length: int) -> None:
        self.ip = ip
        self.length = length

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, CIDR):
            return NotImplemented
        return self.ip == other.ip and self.length == other.length

    def __hash__(self) -> int:
        return hash((CIDR, self.ip, self.length))

    def __str__(self) -> str:
        return f"{self.ip}/{self.length}"

    def __repr__(self) -> str:
        return f'cidr("{self}")'

    @property
    def host_bits(self) -> int:
        return BITS[self.ip.family] - self.length

    def prefix_of(self, ip: IP) -> int:
        return ip.number >> self.host_bits

    def covers(self, other: "CIDR") -> bool:
        """Whether all addresses of the other network lie in this one."""
        return self.length <= other.length and other.ip.within(self)

    def masked(self) -> "CIDR":
        """The same network, named by its first address."""
        return CIDR(IP(self.ip.family, self.prefix_of(self.ip) << self.host_bits), self.length)


def parse_ip(text: str) -> IP:
    """The address written in `text`. Zones, and dotted IPv4 addresses inside IPv6 ones, are refused."""
    return _address(text, f"not an IP address: {quoted(text)}")


def parse_cidr(text: str) -> CIDR:
    """The network written as `address/length`."""
    problem = f"not a network: {quoted(text)}"
    address, _, length = text.partition("/")
    ip = _address(address, problem)
    if not (length.isascii() and length.isdigit()) or len(length) > 3 or length != str(int(length)):
        raise ExprError(CONVERSION, problem, hint="Write address/length, e.g. 10.0.0.0/8")
    if int(length) > BITS[ip.family]:
        raise ExprError(CONVERSION, problem, hint=f"An IPv{ip.family} address has {BITS[ip.family]} bits")
    return CIDR(ip, int(length))


def _address(text: str, problem: str) -> IP:
    from ipaddress import ip_address

    if "%" in text:
        raise ExprError(CONVERSION, problem, hint="An address with a zone is not allowed")
    if ":" in text and "." in text:
        raise ExprError(CONVERSION, problem, hint="An IPv4 address inside an IPv6 address is not allowed")
    try:
        found = ip_address(text)
    except ValueError:
        raise ExprError(CONVERSION, problem) from None
    return IP(found.version, int(found))
