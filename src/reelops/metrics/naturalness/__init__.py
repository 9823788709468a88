"""Whether a clip looks and changes as filmed ones do: numbers of it, a drawer each, and the model that weighs them."""
