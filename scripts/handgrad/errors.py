"""The one exception whose text is meant for the person who runs the workflow."""


class HandgradError(Exception):
    """What went wrong, as one line: the file or key, what was found, what was expected, what to do."""
