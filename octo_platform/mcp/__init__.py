"""The server of MCP: what assistants may do here. Each tool is a route of the API, asked as any program asks it."""
