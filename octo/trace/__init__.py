"""What happened to a message: one format of records under every tool that looks (see `record`)."""
