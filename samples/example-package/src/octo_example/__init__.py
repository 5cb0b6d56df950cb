"""Components for Octo from outside of its own tree."""
