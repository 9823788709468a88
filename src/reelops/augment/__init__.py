"""Changes to frames that leave what they show recognisable."""
