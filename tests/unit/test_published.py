"""The rows of the published table, and one line for every impossible value."""

import re
from pathlib import Path

import pytest

from handgrad.common.errors import HandgradError
from handgrad.experiment.published import COLUMNS, MAX_BYTES, SPREAD, published_rows

ROW = ["mnist", "tanh", "100", "0.001", "100", "20", "0.01", "97.0", "272", "10000", "0.0147"]
VALUES = ["mnist", "tanh", 100, 0.001, 100, 20, 0.01, 97.0, 272, 10000, 0.0147]
HEADER = ",".join(COLUMNS)


def test_rows_have_the_types_of_their_columns(tmp_path: Path) -> None:
    rows = published_rows(Path(__file__).parents[2] / "config/published_results.csv")
    assert len(rows) == 72
    assert all(set(row) == {*COLUMNS, *SPREAD} for row in rows)
    assert all(type(row[column]) is kind for row in rows for column, kind in COLUMNS.items())
    path = tmp_path / "table.csv"  # with the blank last row of a spreadsheet
    path.write_text("\n".join([HEADER, ",".join(ROW), "," * 10]) + "\n", encoding="utf-8-sig")
    (row,) = published_rows(path)
    assert [row[column] for column in (*COLUMNS, *SPREAD)] == [*VALUES, None, None]
    path.write_text(with_spread("270,280"))
    assert [published_rows(path)[0][column] for column in SPREAD] == [270, 280]


def with_value(column: str, text: str) -> str:
    """Return a table with this text in this column of its second row."""
    row = [f'"{text}"' if name == column else value for name, value in zip(COLUMNS, ROW, strict=True)]
    return "\n".join([HEADER, ",".join([*ROW[:2], "7", *ROW[3:]]), ",".join(row)])


def with_spread(spread: str) -> str:
    return f"{HEADER},{','.join(SPREAD)}\n{','.join(ROW)},{spread}\n"


IMPOSSIBLE = [("precision_percent", text) for text in ("191.0", "-1", "nan")]
IMPOSSIBLE += [("faults", "-32"), ("faults", "10001"), ("faults", "1.5"), ("test_size", "0"), ("l2", "-0.1")]
IMPOSSIBLE += [("loss", text) for text in ("nan", "inf", "1e400", "-1", "0,0147", "x", "")]
IMPOSSIBLE += [("epochs", "0"), ("hidden_units", "-5"), ("learning_rate", "0"), ("dataset", "")]
SPREADS = " and ".join(SPREAD)


@pytest.mark.parametrize(
    ("content", "start"),
    [
        *[(with_value(column, text), f"line 3: {column}: found {text!r}, expected ") for column, text in IMPOSSIBLE],
        *[(with_spread(text), f"line 2: {SPREADS}: found ") for text in ("270,", ",280", "280,270", "1,10001")],
        ("", "line 1: found ''"),
        (";".join(COLUMNS), "line 1: found 'dataset;activation"),
        (f"{HEADER}\nmnist,tanh\n", "line 2: found 2 values"),
        (f"{HEADER}\n{','.join(ROW)}\n{','.join(ROW)}", "line 3: repeats the settings of line 2"),
        (f'{HEADER}\n"a"b', "line 2: not CSV"),
        ("\udce4", "cannot be read as text: 'utf-8' codec"),
        ("x" * (MAX_BYTES + 1), f"more than the {MAX_BYTES:,}"),
    ],
)
def test_a_table_with_an_impossible_value_or_of_another_kind_is_refused(
    tmp_path: Path, content: str, start: str
) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(content.encode(errors="surrogateescape"))
    with pytest.raises(HandgradError, match=rf"^{re.escape(f'{path}: {start}')}[^\n]*$"):
        published_rows(path)
