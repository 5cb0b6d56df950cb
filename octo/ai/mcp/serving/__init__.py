"""The server half of MCP: the block `mcp-router`, and flows published as tools, in every revision of the protocol."""
