"""``python -m handgrad``: the command, where it is not installed."""

from handgrad.cli.app import main

main()
