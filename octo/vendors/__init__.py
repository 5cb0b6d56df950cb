"""HTTP APIs of vendors, which take JSON and answer with JSON."""
