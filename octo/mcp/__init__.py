"""What all servers of MCP share, those of flows and that of the platform: one request, and its response."""
