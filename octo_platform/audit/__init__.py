"""The audit log: every write, whoever did it."""
