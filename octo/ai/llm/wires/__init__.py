"""The wires of the providers, on the model classes of pydantic-ai and the vendors' libraries.

Nothing here is imported before a connector starts, and then in a thread: it takes seconds.
"""
