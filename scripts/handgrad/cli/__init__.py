"""The command ``handgrad`` and its subcommands."""
