"""``handgrad recover`` and ``handgrad clean-checkpoints``."""


def recover() -> None:
    """To come."""


def clean_checkpoints() -> None:
    """To come."""
