"""Flow files as the platform sees them: bytes, and what `octo check` says of them."""
