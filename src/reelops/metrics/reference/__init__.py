"""A clip against what it should look like: its picture, or a reference clip."""
