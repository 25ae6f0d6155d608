"""Gradient checks: they compare the gradients of the model and of training with numeric gradients.

``job``: what both rules run. ``check``: all parts of a check. ``results``, ``report``, ``files``: its results as
objects, as text and as JSON. ``settings``: what it is run with.
"""
