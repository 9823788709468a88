"""The machine and its files: atomic writes, locks, scratch folders, hardware, worker processes."""
