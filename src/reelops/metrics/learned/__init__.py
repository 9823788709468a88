"""Metrics that take the weights of a network."""
