"""Many clips from a file, measured: `reelops benchmark batch`."""
