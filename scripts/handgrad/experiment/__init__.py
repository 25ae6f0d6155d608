"""What an experiment file describes: its runs, its config and their checks, the registry, the published table."""
