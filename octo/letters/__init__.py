"""Dead letters at rest: where they are, which of them are alike, and how they are run again."""
