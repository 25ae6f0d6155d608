"""Training: the loop over epochs, the batch (what training computes), momentum and the learning-rate schedule."""
