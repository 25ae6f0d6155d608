"""Run files, checkpoints, provenance, and the training job that writes them."""
