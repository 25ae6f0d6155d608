"""Run the command with ``python -m handgrad``, without installing it."""

from handgrad.cli.app import main

main()
