"""The page: a producer's way to clips. It is one more client of the API; what it shows first the service draws."""
