"""Training clips come into data/raw, whole and known."""
