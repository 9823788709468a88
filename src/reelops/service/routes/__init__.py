"""One module a resource of the API; each has a `router`."""
