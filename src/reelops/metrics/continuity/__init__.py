"""Whether frames follow from one another: cuts, unexplained change, repetition."""
