"""Places of secrets: the environment, a mounted folder, an encrypted file.

Each is a `Store`, which reads at once: configurations are read before anything runs. `opened` makes a service of it.
"""
