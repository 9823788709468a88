"""Camera moves: what they are, how people ask for them, and how a picture is filmed."""
