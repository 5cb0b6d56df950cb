"""What happened to a message: one format of records for all tools that show or use traces (see `record`)."""
