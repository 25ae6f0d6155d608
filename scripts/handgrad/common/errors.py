"""The exception whose message is written for users of the workflow."""


class HandgradError(Exception):
    """An error with a one-line message: the file or key, what was found, what was expected, what to do."""


#: what to do about a damaged or unexpected file in ``results/``
REMEDY = "delete it, and run snakemake again"
