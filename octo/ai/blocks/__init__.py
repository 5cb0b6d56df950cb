"""Blocks that ask a model: one file each."""
