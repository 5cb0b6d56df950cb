"""Debugging flows while they run: block addresses, spies, mocks and a breakpoint, without changing the flow.

    debug = Debug(config, "orders", spies=["orders.charge"], mocks={"orders.charge": mock}, break_at=None)
    outcome = await invoke(debug.config, "orders", message, 30.0, debug)
    debug.spies["orders.charge"][0].input

Octo imports this package only when it is used.
"""

from octo.debug import addresses, codes, config_file, mocks
from octo.debug.addresses import AddressError
from octo.debug.config_file import DebugConfig
from octo.debug.envelopes import envelope
from octo.debug.mocks import Mock, MockCase, MockError
from octo.debug.observer import Debug
from octo.debug.session import Held, Session
from octo.debug.spies import Crossing

__all__ = [
    "AddressError",
    "Crossing",
    "Debug",
    "DebugConfig",
    "Held",
    "Mock",
    "MockCase",
    "MockError",
    "Session",
    "addresses",
    "codes",
    "config_file",
    "envelope",
    "mocks",
]
