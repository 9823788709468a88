"""ReelOps: one picture and a sentence become a short clip, and the factory behind it stays honest."""

__version__ = "0.1.0"
