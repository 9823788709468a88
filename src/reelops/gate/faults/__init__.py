"""Ways in which clips go wrong, by family, each made from a good clip at a strength."""
