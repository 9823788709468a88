"""From videos that were fetched to the table of clips that models are trained on."""
