"""The verbs of `octo` that talk to the platform, one file each."""
