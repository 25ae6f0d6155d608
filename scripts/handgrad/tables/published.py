"""The published table as data."""

import pandas as pd

from handgrad.experiment.published import COLUMNS, SPREAD, published_rows
from handgrad.tables.table import column_types

PUBLISHED_TYPES = column_types({**COLUMNS, **SPREAD})


def published_table(path: str | None) -> pd.DataFrame:
    """Return the rows of a published table in the order of its file. If path is None, the table is empty.

    Raises HandgradError if the file cannot be read or is not a published table.
    """
    rows = [] if path is None else published_rows(path)
    return pd.DataFrame(rows, columns=list(PUBLISHED_TYPES)).astype(PUBLISHED_TYPES)
