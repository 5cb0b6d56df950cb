"""Generated messages: a search for the smallest one for which a flow breaks its contract or fails."""
