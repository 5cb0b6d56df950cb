"""What all requests have in common: who asks and what for, ETags, pages of lists, repeated POSTs, event streams."""
