"""Services: what flows need beside the message, as small ports with providers on whatever a machine has."""
