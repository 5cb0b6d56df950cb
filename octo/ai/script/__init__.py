"""Models without a provider: scripts that say what a model replies, and cassettes of what one has replied.

Both are stubs of all connectors of the family `llm`, and wires (`octo.ai.model.Wire`): the limits, budgets and retries
of the connector are real.
"""
