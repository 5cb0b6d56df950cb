"""Who asks, and what they may: one policy for the API, the pages, event streams and MCP."""
