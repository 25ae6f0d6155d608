"""Gradient checks: they compare the gradients of the model and of training with numeric gradients."""
