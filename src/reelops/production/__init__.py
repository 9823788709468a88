"""From an order to a take: generate, encode, score, judge, log."""
