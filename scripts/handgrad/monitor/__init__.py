"""Plan, estimates, throughput, job progress, status and the live display."""
