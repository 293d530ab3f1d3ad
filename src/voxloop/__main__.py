"""`python -m voxloop` is `voxloop`."""

from voxloop.cli.main import main

main()
