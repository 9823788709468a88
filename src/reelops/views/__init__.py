"""What the terminal shows: takes, scores, progress."""
