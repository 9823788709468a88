"""What wants a GPU: the 5B's architecture with random weights, in a few minutes. Each part has a small shape, too, in
which everything that measures runs on any processor."""
