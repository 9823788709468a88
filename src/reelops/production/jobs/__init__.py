"""The ledger of jobs, one for batches and the service: how workers take jobs, how people ask for them, its tables."""
