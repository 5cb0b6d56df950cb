"""Services in the memory of this process: nothing to install, nothing that outlives it.

They measure time by the event loop, so that tests can move it. Each holds a limited amount.
"""
