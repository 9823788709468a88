"""Scores and limits become a verdict with every reason, and the gate is tested on degenerate clips."""
