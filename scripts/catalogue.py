#!/usr/bin/env python3
"""Print octo/config/catalogue.json: the built-in components as they declare themselves."""

from __future__ import annotations

import sys

import orjson

from octo.builtin import BLOCKS, CONNECTORS
from octo.config.catalogue import catalogue
from octo.core.plugins import Plugins

if __name__ == "__main__":
    known = catalogue(Plugins(CONNECTORS, BLOCKS))
    sys.stdout.buffer.write(orjson.dumps(known, option=orjson.OPT_INDENT_2) + b"\n")
