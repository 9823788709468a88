"""What is measured of ReelOps itself: time, memory and correctness, with reports that are kept."""
