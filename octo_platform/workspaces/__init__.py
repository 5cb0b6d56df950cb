"""Workspaces: what belongs together, and is invisible to all others."""
