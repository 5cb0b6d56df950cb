"""The measures, one file per question. Each file has `measure(effort) -> Section`."""
