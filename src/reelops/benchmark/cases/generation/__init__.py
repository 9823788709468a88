"""What a clip takes, stage by stage, in several ways that take turns: `reelops benchmark generation`."""
