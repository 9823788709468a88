"""An adapter held against its base: the same pictures, prompts and seeds, out of process from training."""
