"""Training: the loop over epochs, the steps of a batch, momentum and the learning-rate schedule."""
