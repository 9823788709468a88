"""Many orders from a file: read and checked, entered in the ledger, made side by side, summed up."""
