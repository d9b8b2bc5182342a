"""`python -m pushproof TASK`."""

from pushproof.cli import main

main()
