"""What is measured of a clip, one file a metric."""
