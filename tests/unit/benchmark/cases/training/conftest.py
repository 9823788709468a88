"""A project with encoded clips."""

from encoded_ground import encoded, ground, one_thread

__all__ = ["encoded", "ground", "one_thread"]
