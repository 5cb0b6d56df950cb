"""Integrations: folders of them, their files, and the versions that are tagged."""
