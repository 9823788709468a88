"""Two sets of scored clips against each other."""
