"""The sources of clips, behind one contract."""
