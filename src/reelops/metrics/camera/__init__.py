"""What the camera does, and what moves without it."""
