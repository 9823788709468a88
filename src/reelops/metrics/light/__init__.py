"""Brightness, colour and detail of frames, and how they drift."""
