"""The plots (one module each) and their common style."""
