"""The one exception whose text is meant for the person who runs the workflow."""


class HandgradError(Exception):
    """What went wrong, as one line: the file or key, what was found, what was expected, what to do."""


#: what to do about a file of ``results/`` that is not as it should be
REMEDY = "delete it, and run snakemake again"
