"""Many clips: scored on all cores and kept, tables, comparison, report."""
