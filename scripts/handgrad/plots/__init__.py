"""Plots, one module each, and their common style."""
