"""The operations port: health, readiness, metrics and status of a running Octo."""
