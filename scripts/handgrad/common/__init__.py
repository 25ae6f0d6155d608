"""What every package uses: errors, whole and sealed files, hashing, code digests, logging, signals, randomness."""
