"""Each kind of address begins and ends where it should."""

import pytest

KINDS = {
    "isLoopback": "127.0.0.0 127.255.255.255 ::1",
    "isLinkLocalUnicast": "169.254.0.0 169.254.255.255 fe80:: febf:ffff::",
    "isLinkLocalMulticast": "224.0.0.0 224.0.0.255 ff02:: ff02:ffff::1",
    "isGlobalUnicast": "128.0.0.0 169.253.255.255 169.255.0.0 223.255.255.255 ::2 fe7f::1 fec0:: feff::1",
    "none": "224.0.1.0 225.0.0.0 239.255.255.255 255.255.255.255 0.0.0.0 :: ff01::1 ff03::1 ff0e::1",
}


@pytest.mark.parametrize(("kind", "address"), [(kind, each) for kind in KINDS for each in KINDS[kind].split()])
def test_an_address_is_of_its_kind_and_of_no_other(evaluate, kind, address):
    found = {each for each in KINDS if each != "none" and evaluate(f"ip(body).{each}()", address)}

    assert found == {kind} - {"none"}
