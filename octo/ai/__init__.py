"""Models, agents and MCP: connectors and blocks that ask a language model, or offer flows to one.

What they need is imported when a connector starts, so that flows without models pay nothing for it.
"""
