"""The command ``handgrad``.

``app`` defines the subcommands; it is the entry point. Each subcommand has a module of its name.
"""
