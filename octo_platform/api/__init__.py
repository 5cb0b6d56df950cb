"""The API and the pages: routes, and what all requests have in common."""
