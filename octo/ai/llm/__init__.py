"""Connectors of the family `llm`: the providers of models.

What a block sees is a `Caller`, which keeps limits, retries and budgets. Behind it is a wire per provider (`wires`), on
the model classes of pydantic-ai: they take seconds to import, which is done in a thread when a connector starts.
"""
