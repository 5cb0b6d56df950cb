"""Services: what flows need beside the message, as small ports. A provider implements one on what the machine has."""
