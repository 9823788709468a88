"""Dense optical flow: one contract, several engines."""
