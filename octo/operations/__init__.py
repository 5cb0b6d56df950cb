"""The operations port: health, readiness, metrics, status and traces of a running Octo."""
