"""Ways to make a clip in less time or memory: what each asks for, and whether it does anything here."""
