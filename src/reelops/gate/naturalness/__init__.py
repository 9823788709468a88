"""The model of natural clips is learnt here: samples of good and spoilt clips, the fit, and what it is worth."""
