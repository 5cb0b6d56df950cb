"""The routes of the data plane, one file for each service."""
