"""Has something become slower or worse? Both ways are measured in turn, and the answer is pass, fail or more runs."""
