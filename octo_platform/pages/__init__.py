"""The pages for people: files that are sent as they are. All data in them comes from the API, as anybody gets it."""
