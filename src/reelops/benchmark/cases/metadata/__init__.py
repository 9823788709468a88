"""How fast `reelops metadata` looks at clips, beside a plain OpenCV loop; and what many of them take."""
