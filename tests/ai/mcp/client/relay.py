"""The program that the conformance suite starts for each scenario: it has the test do the work, and prints the outcome.

It imports next to nothing, so that a scenario costs milliseconds instead of a second.
"""

import json
import os
import socket
import sys

link = socket.socket(socket.AF_UNIX)
link.connect(sys.argv[1])
names = ("MCP_CONFORMANCE_SCENARIO", "MCP_CONFORMANCE_CONTEXT", "MCP_CONFORMANCE_PROTOCOL_VERSION")
link.sendall(json.dumps([sys.argv[2], [os.environ.get(name) for name in names]]).encode() + b"\n")
reply = json.loads(link.makefile().readline())
sys.stdout.write(reply["told"])
sys.exit(reply["code"])
