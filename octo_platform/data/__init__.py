"""What deployments keep: keys and values, and the files of their version. A listener of its own serves it."""
