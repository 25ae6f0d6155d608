"""Training.

``loop``: the loop over epochs and the learning-rate schedule. ``batch``: the fast forward and backward pass.
``momentum``: the velocity. ``results``: the measurements of an epoch, and evaluations.
"""
