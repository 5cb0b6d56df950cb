"""One file per question. Each has `measure(effort) -> Section`."""
