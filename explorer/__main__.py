"""``python -m explorer`` is the command line."""

from .cli import main

main()
