"""What is measured of a clip, one file per metric."""
