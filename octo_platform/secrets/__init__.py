"""Secrets: written here, used by deployments, read by nobody."""
