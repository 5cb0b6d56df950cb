"""The Model Context Protocol: tools, resources and prompts, offered to clients and taken from servers."""
