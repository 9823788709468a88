"""The picture's detail in clips: beside the truth where it is known, in the embedded model's clips, and its time."""
