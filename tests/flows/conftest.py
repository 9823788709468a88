"""Flows run in a home of their own."""

from tests.studio import studio

__all__ = ["studio"]
