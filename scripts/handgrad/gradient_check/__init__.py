"""Gradient checks: numeric gradients, the model and training's own step compared with them, and the report."""
