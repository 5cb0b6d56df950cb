"""What deployments keep: keys and values, leases, queues, topics, and the files of their version.

A listener of its own serves it. Each token reaches the store of its deployment, and nothing else.

app, routes    HTTP
asker          who asks
plane          what all requests share: writes, bells, limits
writing        transactions, each of which does what was asked of a store meanwhile
shelf          a store in such a transaction: its numbers, its quota, its clock
entries, leases, messages, events   what can be done there
"""
