"""Components for Octo from a package of its own."""
