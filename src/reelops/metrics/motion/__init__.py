"""How much, how evenly and in which order things move."""
