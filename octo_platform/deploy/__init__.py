"""Where integrations run: the desired state as a document, targets that make it so, and the reconciler between them."""
