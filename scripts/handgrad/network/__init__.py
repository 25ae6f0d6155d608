"""The network.

``activations``: activation functions with their derivatives. ``model``: the reference model with its gradients, and
initial weights.
"""
