"""The tables (one module each), the selection of the best runs and settings, and significance tests."""
