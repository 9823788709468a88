"""How often the regression gate errs, measured on real clips: `reelops benchmark regression`."""
