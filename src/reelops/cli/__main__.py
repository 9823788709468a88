"""`python -m reelops.cli`."""

from reelops.cli import main

main()
