"""Flows run in a home of their own."""

from studio import studio

__all__ = ["studio"]
