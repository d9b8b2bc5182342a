"""The program `pushproof` as `python -m pushproof`."""

from pushproof.cli import main

main()
