"""`octo mcp author`: a project folder as tools of MCP, with which an assistant writes, tests and repairs flows.

A call goes `server.py` (MCP) → `desk.py` (what each tool of `tools.py` does) → `folder.py` for files, `running.py` for
the one `octo run`, or `worker.py`: each question to the engine is a process of its own (`work.py`), because modules of
the project may break it. `veil.py` is what no answer shows.
"""
