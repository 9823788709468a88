"""The service: an API over the ledger of jobs. Front ends call `desk`, and nothing below it."""
