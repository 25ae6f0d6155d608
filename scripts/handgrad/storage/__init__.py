"""What a run leaves: its run file, its checkpoints and its provenance."""
