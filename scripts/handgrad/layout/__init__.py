"""Where every file of the workflow is, and what jobs ask of a machine: paths, time, memory."""
