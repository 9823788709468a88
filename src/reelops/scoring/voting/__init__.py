"""People judge clips, blind and in pairs, and the gate is held against them."""
