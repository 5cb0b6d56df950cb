"""The listening sockets that a supervisor binds and lends to its children.

Each child has a socket of its own at each address, so that the kernel spreads the connections. The first of them is
bound alone: a second supervisor, or any other process, finds the address taken. The supervisor keeps each open for
the next child of the same place: connections that wait for a child that hangs or is killed are answered by it.
"""

from __future__ import annotations

import socket

from octo.core.addresses import Resolved, bound

_Key = tuple[Resolved, int]


class Shares:
    """See the module. A place is the number that a child has among its siblings, and its successors after it."""

    def __init__(self) -> None:
        self._sockets: dict[_Key, socket.socket] = {}
        self._unclaimed: set[_Key] = set()

    def lend(self, address: Resolved, backlog: int, place: int) -> socket.socket:
        """Return the socket of the place at this address. Raises OSError if it cannot be bound."""
        key = (address, place)
        self._unclaimed.discard(key)
        if key not in self._sockets:
            joins = any(each == address for each, _ in self._sockets)
            self._sockets[key] = bound(address, backlog, "joins" if joins else "founds")
        return self._sockets[key]

    def take_back(self, address: Resolved, place: int) -> None:
        """Note that the child of this place has closed its socket."""
        self._close((address, place))

    def succeed(self, place: int) -> None:
        """Note that another child begins in this place. What it does not borrow until `sweep` is closed."""
        self._unclaimed |= {key for key in self._sockets if key[1] == place}

    def sweep(self, place: int) -> None:
        """Close what the child before had, and the present one has not borrowed."""
        for key in [each for each in self._unclaimed if each[1] == place]:
            self._close(key)

    def forget(self, place: int) -> None:
        """Note that there is no child in this place, and for some time there will be none."""
        for key in [each for each in self._sockets if each[1] == place]:
            self._close(key)

    def _close(self, key: _Key) -> None:
        self._unclaimed.discard(key)
        if found := self._sockets.pop(key, None):
            found.close()
