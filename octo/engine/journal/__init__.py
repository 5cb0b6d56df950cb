"""The journal of flows with `durability: journal`: what their messages have done is kept, and not done again.

cells      values of any size in the key-value service
run        a message on its way: its frames, and when they are written
failures   failures as values
observer   what a flow with a journal runs in place of its chains and steps
holding    who hands a message to such a flow, and says when it is over
resuming   runs whose process has gone are gone on with
versions   the flow files that a run began with
"""
