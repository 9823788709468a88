"""What recipes cost in quality, beside fewer steps that take as long: `reelops benchmark recipes`."""
