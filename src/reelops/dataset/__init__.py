"""What models are trained on: where clips come from, and how they get here."""
