"""The network: activations, the reference model with its gradients, and initial weights."""
