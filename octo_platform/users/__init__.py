"""People: who there is, and what they may."""
