"""Read and check experiment files, the dataset registry and the published table; define runs."""
