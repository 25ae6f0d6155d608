"""Tables are read as they are meant, or refused with one line that names the file, the column and the value."""

import gzip
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_iris

from handgrad.datasets.inputs import InputSpec
from handgrad.experiment.registry import ALL_OPTIONS
from handgrad.formats import table_files, table_text
from handgrad.formats.containers import Mismatch
from handgrad.formats.found import Found
from handgrad.formats.table import encode_rows, read

Content = str | bytes | pd.DataFrame | pa.Table
LETTERS = ["x", "z", "x", "x"]


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a table, as Parquet if it is no text, and returns its path."""

    def write_table(content: Content, name: str = "table.csv") -> Path:
        path = tmp_path / name
        if isinstance(content, str | bytes):
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        elif isinstance(content, pd.DataFrame):
            content.to_parquet(path)
        else:
            pa.parquet.write_table(content, path, row_group_size=2)
        return path

    return write_table


def look(path: Path, test_table: Path | None = None, **options: Any) -> Found:
    """Read a table as ``handgrad data add`` does, with some options of an entry."""
    paths = {"table": path} | ({} if test_table is None else {"test_table": test_table})
    return read({**dict.fromkeys(ALL_OPTIONS), "test": None, "class_names": None, **options}, paths)


def refusal(act: Callable[[], object], path: Path) -> str:
    """Return the one-line message of a refusal, without the folder."""
    with pytest.raises(Mismatch) as caught:
        act()
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    return message.removeprefix(str(path.parent))


#: what a table gives: the names of the inputs, the inputs of each row, the class names, and the class of each row
Outcome = tuple[list[str], list[list[float]], list[str], list[int]]
NUMBERS: Outcome = (["a", "b"], [[1, 2], [3, 4.5]], ["x", "z"], [0, 1])
ONE_COLUMN: Outcome = (["a"], [[1], [3]], ["x", "z"], [0, 1])

READ: dict[str, tuple[Content, dict[str, Any], Outcome]] = {
    "plain": ("a,b,y\n1,2,x\n3,4.5,z\n", {}, NUMBERS),
    "byte order mark": ("\ufeffa,b,y\n1,2,x\n3,4.5,z\n", {}, NUMBERS),
    "line ends of Windows": ("a,b,y\r\n1,2,x\r\n3,4.5,z\r\n", {}, NUMBERS),
    "line ends of the old Macintosh": ("a,b,y\r1,2,x\r3,4.5,z\r", {}, NUMBERS),
    "empty lines at the end": ("a,b,y\n1,2,x\n3,4.5,z\n\n\n", {}, NUMBERS),
    "no line end": ("a,b,y\n1,2,x\n3,4.5,z", {}, NUMBERS),
    "spaces around values and names": ("a, b, y\n1, 2, x\n 3,4.5 ,z\n", {}, NUMBERS),
    "signs and exponents": ("a,b,y\n+1,2.,x\n3E0,.45e1,z\n", {}, NUMBERS),
    "gzip": (gzip.compress(b"a,b,y\n1,2,x\n3,4.5,z\n"), {}, NUMBERS),
    "separator": ("a;b;y\n1;2;x\n3;4.5;z\n", {"separator": ";"}, NUMBERS),
    "decimal comma": ("a;b;y\n1,0;2;x\n3;4,5;z\n", {"separator": ";", "decimal": ","}, NUMBERS),
    "quoted decimal comma": ('a,b,y\n"1,0",2,x\n3,"4,5",z\n', {"decimal": ","}, NUMBERS),
    "separator of spaces": ("a b y\n1 2 x\n3 4.5 z\n", {"separator": " "}, NUMBERS),
    "label by name": ("a,y,b\n1,x,2\n3,z,4.5\n", {"label": "y"}, NUMBERS),
    "label by number": ("a,y,b\n1,x,2\n3,z,4.5\n", {"label": 1}, NUMBERS),
    "label by number from the end": ("a,y,b\n1,x,2\n3,z,4.5\n", {"label": -2}, NUMBERS),
    "label first": ("y,a,b\nx,1,2\nz,3,4.5\n", {"label": "first"}, NUMBERS),
    "label last": ("a,b,y\n1,2,x\n3,4.5,z\n", {"label": "last"}, NUMBERS),
    "a column called first": ("a,first,b\n1,x,2\n3,z,4.5\n", {"label": "first"}, NUMBERS),
    "leave out by name": ("a,when,b,y\n1,2020-01-01,2,x\n3,noon,4.5,z\n", {"leave_out": ["when"]}, NUMBERS),
    "leave out by number": ("a,when,b,y\n1,2020-01-01,2,x\n3,noon,4.5,z\n", {"leave_out": [-3]}, NUMBERS),
    "line break in a column left out": ('t,a,b,y\n"p\nq",1,2,x\nr,3,4.5,z\n', {"leave_out": ["t"]}, NUMBERS),
    "group column": ("g,a,b,y\nu,1,2,x\nv,3,4.5,z\n", {"split_by": "g"}, NUMBERS),
    "index without a name": (",a,b,y\n0,1,2,x\n1,3,4.5,z\n", {}, NUMBERS),
    "index without a name, label first": (",y,a,b\n1,x,1,2\n2,z,3,4.5\n", {"label": "first"}, NUMBERS),
    "index that pandas read again": ("Unnamed: 0,a,b,y\n0,1,2,x\n1,3,4.5,z\n", {}, NUMBERS),
    "separator at the end of each line": ("a,b,y,\n1,2,x,\n3,4.5,z,\n", {}, NUMBERS),
    "quoted label with a comma": ('a,y\n1,"x, z"\n3,w\n', {}, (["a"], [[1], [3]], ["w", "x, z"], [1, 0])),
    "labels 1.0 and 2.0": ("a,y\n1,1.0\n3,2.0\n5,1\n", {}, (["a"], [[1], [3], [5]], ["1", "2"], [0, 1, 0])),
    "labels that are codes": ("a,y\n1,01\n3,1\n", {}, (["a"], [[1], [3]], ["01", "1"], [0, 1])),
    "labels in order of value": ("a,y\n1,10\n3,9\n", {}, (["a"], [[1], [3]], ["9", "10"], [1, 0])),
    "labels of numbers and text": ("a,y\n1,1\n3,other\n", {}, (["a"], [[1], [3]], ["1", "other"], [0, 1])),
    "labels in other scripts": ("a,y\n1,猫\n3,{$}\n", {}, (["a"], [[1], [3]], ["{$}", "猫"], [1, 0])),
    "class names given": (
        "a,y\n1,x\n3,z\n",
        {"class_names": ["z", "w", "x"]},
        (["a"], [[1], [3]], ["z", "w", "x"], [2, 0]),
    ),
    "class numbers": (
        "a,y\n1,0\n3,2\n",
        {"class_names": ["u", "v", "w"]},
        (["a"], [[1], [3]], ["u", "v", "w"], [0, 2]),
    ),
    "class names with zeros": (
        "a,y\n1,01\n3,02\n",
        {"class_names": ["01", "02"]},
        (["a"], [[1], [3]], ["01", "02"], [0, 1]),
    ),
    "text": ("c,y\nred,x\nblue,z\n", {}, (["c=blue", "c=red"], [[0, 1], [1, 0]], ["x", "z"], [0, 1])),
    "booleans": ("c,y\nTrue,x\nFalse,z\n", {}, (["c=False", "c=True"], [[0, 1], [1, 0]], ["x", "z"], [0, 1])),
    "text like the missing None": (
        "c,y\nNone,x\nsome,z\n",
        {},
        (["c=None", "c=some"], [[1, 0], [0, 1]], ["x", "z"], [0, 1]),
    ),
    "missing numbers": (
        "a,y\n1,x\n,x\nNA,x\nnan,z\nnull,z\n?,z\n3,z\n",
        {"impute": "mean"},
        (["a"], [[1], [2], [2], [2], [2], [2], [3]], ["x", "z"], [0, 0, 0, 1, 1, 1, 1]),
    ),
    "constant column": ("a,b,y\n0.1,1,x\n0.1,3,z\n", {}, (["a", "b"], [[0.1, 1], [0.1, 3]], ["x", "z"], [0, 1])),
    "names that are numbers": ("0,1,2\n1,2,x\n3,4.5,z\n", {}, (["0", "1"], *NUMBERS[1:])),
    "names that are years": (
        "2019,2020,y,2021\n1,2,x,0\n3,4.5,z,0\n",
        {"label": "y", "leave_out": [-1]},
        (["2019", "2020"], *NUMBERS[1:]),
    ),
    "names that are wavelengths": (
        "y,400,410.5,420,430,440,450,460,470\nx,1,2,3,4,5,6,7,8\nz,0,0,0,0,0,0,0,0\n",
        {"label": "first"},
        (["400", "410.5", *["420", "430", "440", "450", "460", "470"]], [[*range(1, 9)], [0] * 8], ["x", "z"], [0, 1]),
    ),
    "no header": (
        "5,0,1\n4,2,0\n",
        {"header": False, "label": "first"},
        (["column 1", "column 2"], [[0, 1], [2, 0]], ["4", "5"], [1, 0]),
    ),
    "Parquet": (pd.DataFrame({"a": [1.0, 3], "b": [2, 4.5], "y": ["x", "z"]}), {}, NUMBERS),
    "Parquet with an index": (pd.DataFrame({"a": [1.0, 3], "y": ["x", "z"]}, index=[7, 3]), {}, ONE_COLUMN),
    "Parquet: nullable integers": (
        pd.DataFrame({"a": pd.array([1, None, 3], "Int64"), "y": list("xxz")}),
        {"impute": "mean"},
        (["a"], [[1], [2], [3]], ["x", "z"], [0, 0, 1]),
    ),
    "Parquet: booleans, label of booleans": (
        pd.DataFrame({"c": [True, False], "y": [False, True]}),
        {},
        (["c=False", "c=True"], [[0, 1], [1, 0]], ["False", "True"], [0, 1]),
    ),
    "Parquet: categorical text": (
        pd.DataFrame({"c": pd.Categorical(["v", "u"], ["u", "v", "w"]), "y": pd.Categorical(["x", "z"])}),
        {},
        (["c=u", "c=v"], [[0, 1], [1, 0]], ["x", "z"], [0, 1]),
    ),
    "Parquet: categorical integers": (
        pd.DataFrame({"c": pd.Categorical([2, 1]), "y": ["x", "z"]}),
        {},
        (["c=1", "c=2"], [[0, 1], [1, 0]], ["x", "z"], [0, 1]),
    ),
    "Parquet: dictionary": (
        pa.table({"c": pa.array(["v", "u"]).dictionary_encode(), "y": ["x", "z"]}),
        {},
        (["c=u", "c=v"], [[0, 1], [1, 0]], ["x", "z"], [0, 1]),
    ),
    "Parquet: row groups with other dictionaries": (
        pa.table({"c": ["v", "v", "u", "u"], "y": LETTERS}),
        {},
        (["c=u", "c=v"], [[0, 1], [0, 1], [1, 0], [1, 0]], ["x", "z"], [0, 1, 0, 0]),
    ),
    "Parquet: decimals and half precision": (
        pa.table({"a": pa.array([1, 3], pa.decimal128(4, 1)), "b": pa.array([2, 4.5], pa.float16()), "y": ["x", "z"]}),
        {},
        NUMBERS,
    ),
    "Parquet: numbers as text": (pd.DataFrame({"a": ["1", "3"], "y": ["x", "z"]}), {}, ONE_COLUMN),
}


@pytest.mark.parametrize(("content", "options", "outcome"), READ.values(), ids=READ.keys())
def test_tables_are_read_as_they_are_meant(
    write: Callable[..., Path], content: Content, options: dict[str, Any], outcome: Outcome
) -> None:
    found = look(write(content), **options)
    names, x, class_names, y = outcome
    assert found.spec.names == tuple(names)
    np.testing.assert_array_equal(found.train.x, np.array(x, np.float32), strict=True)
    assert found.class_names == tuple(class_names)
    np.testing.assert_array_equal(found.train.y, np.array(y, np.uint8), strict=True)
    assert found.test is None
    assert found.spec.max_value is None


#: what the message of a refusal names, as a regular expression
REFUSED: dict[str, tuple[Content, dict[str, Any], str]] = {
    "empty file": ("", {}, "no text"),
    "header alone": ("a,y\n", {}, "without rows"),
    "a row that is too short": ("a,b,y\n1,2,x\n\n3,z\n", {}, "line 4.*2 columns.*3"),
    "a row that is too long": ("a,y\n1,x\n3,z,\n", {}, "line 3.*3 columns.*2"),
    "a number with a comma, not quoted": ("a,y\n1,234,x\n5,z\n", {}, "line 2.*3 columns.*2"),
    "separator": ("a;b;y\n1;2;x\n3;4;z\n", {}, 'separator: ";"'),
    "separator and decimal comma": ("a;b;y\n1,5;2,5;x\n3;4;z\n", {}, "separator: \";\" and decimal: ','"),
    "separator and decimal comma, no header": (
        "1,5;2,5;3,5\n1,5;2,5;3,6\n",
        {"header": False},
        "column 1, line 1.*'5;2'",
    ),
    "a separator of two bytes": ("a·y\n1·x\n", {"separator": "·"}, "separator '·'"),
    "a quotation mark as separator": ("a,y\n1,x\n", {"separator": '"'}, "separator"),
    "tabs": ("a\tb\ty\n1\t2\tx\n", {}, r'separator: "\\t"'),
    "commas": ("a,b,y\n1,2,x\n", {"separator": "\t"}, 'separator: ","'),
    "spaces": ("a b y\n1 2 x\n", {}, 'separator: " "'),
    "decimal comma": ("a;y\n1,5;x\n2,5;z\n", {"separator": ";"}, "'a', line 2.*'1,5'.*decimal: ','"),
    "decimal point": ("a;y\n1;x\n2.5;z\n", {"separator": ";", "decimal": ","}, "'a', line 3.*'2.5'.*decimal: ','"),
    "thousands separators": ('a,y\n999,x\n"1,234",z\n"12,345",z\n', {}, "'a', line 2.*'999'.*1 of 3"),
    "thousands separators alone": ('a,y\n"1,234,567",x\n"2,345,678",z\n', {}, "'a', line 2.*'1,234,567'"),
    "thousands separated by spaces": ("a,y\n1 234,x\n5 678,z\n", {}, "'a', line 2.*'1 234'"),
    "percentages": ("a,y\n12%,x\n5%,z\n", {}, "'a', line 2.*'12%'"),
    "money": ("a,y\n$12,x\n$5,z\n", {}, r"'a', line 2.*'\$12'"),
    "dates": ("a,y\n2020-01-31,x\n2020-02-01,z\n", {}, "'a', line 2.*'2020-01-31'.*leave_out"),
    "dates with times": ("a,y\n2020-01-31T10:00,x\n2020-02-01 11:00,z\n", {}, "'a', line 2.*2020-01-31T10:00"),
    "dates of Europe": ("a,y\n31.1.2020,x\n1.2.2020,z\n", {}, "'a', line 2.*'31.1.2020'"),
    "dates in words": ("a,y\n31 Jan 2020,x\n1-Feb-2020,z\n", {}, "'a', line 2.*'31 Jan 2020'"),
    "times": ("a,y\n10:00,x\n11:30:01,z\n", {}, "'a', line 2.*'10:00'"),
    "text among numbers": ("a,y\n1,x\n2,z\nlow,z\n", {}, "'a', line 4.*'low'.*1 of 3"),
    "a number among text": ("a,y\nlow,x\nhigh,z\n3,z\n", {}, "'a', line 4.*'3'.*1 of 3"),
    "1e400": ("a,y\n1,x\n1e400,z\n", {}, "'a', line 3.*'1e400'"),
    "infinity": ("a,y\n1,x\n-inf,z\n", {}, "'a', line 3.*'-inf'"),
    "infinity alone": ("a,y\ninf,x\nInfinity,z\n", {}, "'a', line 2.*'inf'"),
    "too large for float32": ("a,y\n1,x\n1e39,z\n", {}, "'a', line 3.*'1e39'"),
    "times in seconds": ("a,y\n1700000000,x\n1700000001,z\n", {}, "'a', line [23].*'170000000[01]'.*float32"),
    "integers that float64 rounds": (
        "a,y\n9007199254740992000,x\n9007199254740992001,z\n",
        {},
        "'a', line 2.*'9007199254740992000'",
    ),
    "missing numbers": ("a,b,y\n1,,x\nNA,?,z\n2,3,z\n", {}, "'a', line 3.*1 of 3.*'NA'.*'b': 2.*impute: mean"),
    "missing text": ("c,y\nred,x\n,z\nblue,z\n", {"impute": "mean"}, "'c', line 3.*1 of 3"),
    "a column without values": ("a,b,y\n1,,x\n2,,z\n", {"impute": "mean"}, "'b', line 2.*2 of 2.*leave_out"),
    "missing labels": ("a,y\n1,x\n2,\n3,?\n", {"impute": "mean"}, "'y', line 3.*2 of 3"),
    "missing groups": ("g,a,y\nu,1,x\n,2,z\n", {"split_by": "g", "test": 0.5}, "'g', line 3.*1 of 2"),
    "header in the middle": ("a,b,y\n1,2,x\na,b,y\n3,4,z\n", {}, "line 3.*first line again"),
    "two columns of one name": ("a,a,y\n1,2,x\n3,4,z\n", {}, "two columns.*'a'"),
    "no name": ("a,,y\n1,5,x\n3,4,z\n", {}, r"column 1.*leave_out: \[1\]"),
    "no header": ("5.1,3.5,x\n4.9,3.0,z\n", {}, "line 1.*'5.1'.*header: false"),
    "no header, integers": ("7,0,0,5\n2,0,0,9\n", {}, "line 1.*'7'.*header: false"),
    "no header, text": ("low,small,x\nlow,small,z\nhigh,big,x\n", {}, "line 1.*header: false"),
    "a header, but header: false": ("a,y\n1,x\n2,z\n", {"header": False}, "column 0, line 1.*'a'.*header: true"),
    "a header of text, but header: false": (
        "a,y\n" + "p,x\nq,z\n" * 20,
        {"header": False},
        "line 1.*'a'.*header: true",
    ),
    "one column": ("y\nx\nz\n", {}, "'y'"),
    "only the label is not left out": ("a,b,y\n1,2,x\n", {"leave_out": ["a", "b"]}, "'y'"),
    "unknown label": ("a,y\n1,x\n", {"label": "class"}, "label.*'class'.*'a', 'y'"),
    "unknown column left out": ("a,y\n1,x\n", {"leave_out": [2]}, "leave_out.*2.*'a', 'y'"),
    "unknown group column": ("a,y\n1,x\n", {"split_by": "g"}, "split_by.*'g'.*'a', 'y'"),
    "label left out": ("a,b,y\n1,2,x\n3,4,z\n", {"label": "y", "leave_out": ["y"]}, "'y'.*leave_out"),
    "label as group": ("a,b,y\n1,2,x\n3,4,z\n", {"split_by": "y"}, "'y'.*split_by"),
    "the only input as group": ("a,y\n1,x\n3,z\n", {"split_by": "a"}, "1 columns.*input column"),
    "one class": ("a,y\n1,x\n2,x\n", {}, "'y'.*'x'.*2 classes"),
    "MNIST with the last pixel as label": ("5,9,0\n4,8,0\n", {"header": False}, "column 2.*'0'.*label: first"),
    "a number to predict": ("a,y\n" + "".join(f"{i},{i / 7}\n" for i in range(300)), {}, "'y'.*300 different.*256"),
    "a label that is no class": ("a,y\n1,x\n2,w\n", {"class_names": ["x", "z"]}, "'y', line 3.*'w'.*'x', 'z'"),
    "a class number that is too large": ("a,y\n1,0\n2,2\n", {"class_names": ["x", "z"]}, "'y', line [23].*'x', 'z'"),
    "free text": ("t,y\n" + "".join(f"word{i},{i % 2}\n" for i in range(1001)), {}, "'t'.*1001 different.*leave_out"),
    "a category with a line break": ('c,y\n"red\nblue",x\ngreen,z\n', {}, r"'c', line 2.*'red\\nblue'"),
    "a label with a line break": ('a,y\n1,"x\nz"\n2,z\n', {}, r"'y', line 2.*'x\\nz'"),
    "a label that is a long text": (f"a,y\n1,x\n2,{'z' * 101}\n", {}, "'y', line 3.*'zzz"),
    "a quotation mark that is never closed": ('a,y\n1,x\n2,"z\n3,z\n', {}, "line 3.*quotation"),
    "an unclosed quotation mark in a column left out": ('t,a,y\n"p,1,x\nq"q,2,z\n', {"leave_out": ["t"]}, "line 2"),
    "not UTF-8": ("a,y\n1,x\n2,é\n".encode("latin-1"), {}, "line 3.*UTF-8"),
    "not UTF-8 in a row that is too short": ("a,y\n1,x\né\n2,z\n".encode("latin-1"), {}, "line 3.*UTF-8"),
    "Parquet: not UTF-8": (
        pa.table({"a": [1, 2], "y": pa.array([b"x", b"\xe9"]).view(pa.string())}),
        {},
        "Parquet.*UTF8",
    ),
    "UTF-16": ("a,y\n1,x\n2,z\n".encode("utf-16"), {}, "UTF-8"),
    "Excel": (b"PK\3\4 and so on", {}, "Excel"),
    "damaged gzip": (gzip.compress(b"a,y\n1,x\n3,z\n")[:-3], {}, "gzip"),
    "damaged Parquet": (b"PAR1 and so on", {}, "Parquet"),
    "Parquet: infinite": (pa.table({"a": [1.0, 2.0, np.inf, 3.0], "y": LETTERS}), {}, "'a', row 3.*inf"),
    "Parquet: missing": (pa.table({"a": [1, None, None, 3], "y": LETTERS}), {}, "'a', row 2.*2 of 4"),
    "Parquet: missing in nullable booleans": (
        pa.table({"a": [True, None, False, True], "y": LETTERS}),
        {},
        "'a', row 2.*1 of 4",
    ),
    "Parquet: missing in categories": (
        pd.DataFrame({"a": pd.Categorical(["u", None]), "y": ["x", "z"]}),
        {},
        "'a', row 2.*1 of 2",
    ),
    "Parquet: dates": (pa.table({"a": pd.to_datetime(["2020-01-01"] * 4), "y": LETTERS}), {}, "'a'.*timestamp"),
    "Parquet: lists": (pa.table({"a": [[1], [2], [3], [4]], "y": LETTERS}), {}, "'a'.*list"),
    "Parquet: bytes": (pa.table({"a": [b"1", b"2", b"3", b"4"], "y": LETTERS}), {}, "'a'.*binary"),
    "Parquet: two columns of one name": (
        pa.table([[1, 2], [3, 4], ["x", "z"]], names=["a", "a", "y"]),
        {},
        "two columns.*'a'",
    ),
    "Parquet: integers that float64 rounds": (
        pa.table({"a": [2**62 + i for i in range(4)], "y": LETTERS}),
        {},
        "'a', row 1",
    ),
}


@pytest.mark.parametrize(("content", "options", "named"), REFUSED.values(), ids=REFUSED.keys())
def test_unclear_tables_are_refused_in_one_line_with_the_place(
    write: Callable[..., Path], content: Content, options: dict[str, Any], named: str
) -> None:
    path = write(content)
    assert re.search(named, refusal(lambda: look(path, **options), path))


#: what is noted about a table
NOTED: dict[str, tuple[Content, dict[str, Any], str]] = {
    "index without a name": (",a,y\n0,5,x\n1,4,z\n", {}, "column 0"),
    "empty column": ("a,y,\n5,x,\n4,z,\n", {}, "column 2"),
    "column that numbers the rows": (
        "Id,a,y\n" + "".join(f"{i},{i * i % 7},{i % 2}\n" for i in range(1, 31)),
        {},
        "'Id'.*leave_out",
    ),
    "column of identifiers": (
        "who,a,y\n" + "".join(f"p{i},{i * i % 7},{i % 2}\n" for i in range(30)),
        {},
        "'who'.*leave_out",
    ),
    "label with fractions": ("a,y\n5,0.5\n4,1.5\n", {}, "'y'.*fractions"),
    "label that looks like a pixel": (
        "a,y\n" + "".join(f"{i * i % 7},{i * 9 % 255}\n" for i in range(28)),
        {},
        "'y'.*gaps",
    ),
    "names that are numbers": ("0,1,2\n5,2,x\n3,4,z\n", {}, "header: false"),
    "Parquet: numbers as text": (pd.DataFrame({"a": ["5", "3"], "y": ["x", "z"]}), {}, "'a'.*text"),
}


@pytest.mark.parametrize(("content", "options", "noted"), NOTED.values(), ids=NOTED.keys())
def test_suspicious_columns_are_noted(
    write: Callable[..., Path], content: Content, options: dict[str, Any], noted: str
) -> None:
    found = look(write(content), **options)
    assert [note for note in found.notes if re.search(noted, note)], found.notes


def test_ordinary_tables_give_no_notes(write: Callable[..., Path]) -> None:
    iris = load_iris(as_frame=True).frame
    assert look(write(iris.to_csv(index=False))).notes == ()
    assert look(write(iris)).notes == ()


PEOPLE = "id,age,colour,group,kind\n" + "".join(
    f"{i * 37 % 100},{20 + i % 13 if i % 5 else ''},{'red' if i % 3 else 'blue'},{i // 4},{'ab'[i % 2]}\n"
    for i in range(40)
)


def test_the_test_split_is_drawn_by_share_or_number(write: Callable[..., Path]) -> None:
    path = write(PEOPLE)
    for share in (0.2, 8):
        found = look(path, leave_out=["id"], impute="mean", test=share)
        assert found.test is not None
        assert (len(found.train.y), len(found.test.y)) == (32, 8)
        assert found.train.rows is not None
        assert sorted([*found.train.rows, *(found.test.rows if found.test.rows is not None else [])]) == list(range(40))


def test_fills_and_categories_come_from_training_rows_alone(write: Callable[..., Path]) -> None:
    rows = [f"{i},{'rare' if i == 3 else 'common'},{'' if i == 5 else i * i},{'ab'[i % 2]}\n" for i in range(10)]
    with_all = look(write("n,c,v,y\n" + "".join(rows)), impute="mean")
    drawn = {}
    for share in range(1, 9):
        found = look(write("n,c,v,y\n" + "".join(rows)), impute="mean", test=share)
        assert found.train.rows is not None
        assert found.test is not None
        rare = 3 in found.train.rows
        assert found.spec.columns[1].categories == (("common", "rare") if rare else ("common",))
        assert any("'rare'" in note for note in found.notes) != rare
        values = [i * i for i in found.train.rows if i != 5]
        assert found.spec.columns[2].fill == pytest.approx(np.mean(values))
        drawn[rare] = found
    assert with_all.spec.columns[2].fill == pytest.approx(np.mean([i * i for i in range(10) if i != 5]))
    assert drawn.keys() == {True, False}  # both cases were tried
    test = drawn[False].test
    assert test is not None
    assert test.rows is not None
    assert test.x[list(test.rows).index(3), 1] == 0


def test_groups_are_in_one_split_and_no_input(write: Callable[..., Path]) -> None:
    found = look(write(PEOPLE), leave_out=["id"], impute="mean", split_by="group", test=0.25)
    assert found.spec.names == ("age", "colour=blue", "colour=red")
    assert found.test is not None
    train, test = ({row // 4 for row in split.rows} for split in (found.train, found.test) if split.rows is not None)
    assert test
    assert not train & test


def test_columns_of_a_test_table_are_found_by_name(write: Callable[..., Path]) -> None:
    train = write("a,c,y,when\n1,red,x,now\n2,blue,z,then\n")
    test = write(",y,c,a\n0,z,green,5\n1,w,red,4\n", "test.csv")
    found = look(train, test, leave_out=["when"])
    assert found.test is not None
    np.testing.assert_array_equal(found.test.x, [[5, 0, 0], [4, 0, 1]])
    assert found.class_names == ("w", "x", "z")
    assert (found.train.y.tolist(), found.test.y.tolist()) == ([1, 2], [2, 0])
    assert any("green" in note for note in found.notes)


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("a,y\n1,x\n", "no column 'b'"),
        ("a,b,extra,y\n1,2,3,x\n", "'extra'"),
        ("a,b,y\n1,low,x\n", "'b', line 2.*'low'"),
        ("a,b,y\n1,,x\n", "'b', line 2.*1 of 1"),
        ("a,b,y\n1,1e39,x\n", "'b', line 2.*'1e39'"),
    ],
)
def test_other_columns_or_values_in_a_test_table_are_refused(
    write: Callable[..., Path], content: str, named: str
) -> None:
    train, test = write("a,b,y\n1,2,x\n3,4,z\n"), write(content, "test.csv")
    assert re.search(named, refusal(lambda: look(train, test), test))


def test_a_test_table_without_a_header_has_as_many_columns(write: Callable[..., Path]) -> None:
    train, test = write("1,2,x\n3,4,z\n"), write("1,x\n3,z\n", "test.csv")
    assert re.search("2 columns.*3", refusal(lambda: look(train, test, header=False), test))


def test_the_name_of_a_file_says_whether_tabs_separate_its_columns(write: Callable[..., Path]) -> None:
    content = b"a\tb\ty\n1\t2\tx\n3\t4.5\tz\n"
    for path in (write(content, "t.tsv"), write(gzip.compress(content), "t.TSV.gz")):
        found = look(path)
        np.testing.assert_array_equal(found.train.x, NUMBERS[1])
        np.testing.assert_array_equal(encode_rows(path, found.spec), NUMBERS[1])


def test_a_gzip_file_that_expands_too_much_is_refused(
    write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_text, "SMALL", 1 << 16)
    path = write(gzip.compress(b"a,y\n" + b"0,x\n" * (1 << 16)))
    assert "more than" in refusal(lambda: look(path), path)


def test_a_parquet_file_that_declares_too_much_is_not_read(
    write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_files, "MOST_CELLS", 1000)
    path = write(pd.DataFrame({"a": np.zeros(1000), "y": ["x"] * 1000}))
    assert "1000 rows x 2 columns" in refusal(lambda: look(path), path)


def test_tables_of_several_blocks_are_read_whole(write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_text, "HEAD", 1 << 10)
    rows = [f'{i / 8},"c{i % 3}\n",{i % 2}\n' for i in range(1000)]
    found = look(write("a,c,y\n" + "".join(rows)))
    np.testing.assert_array_equal(found.train.x[:, 0], np.arange(1000) / 8)
    np.testing.assert_array_equal(found.train.x[:, 1:].argmax(axis=1), np.arange(1000) % 3)
    ragged = write("a,c,y\n" + "".join(rows) + "1,2\n")
    assert re.search("line 2002.*2 columns.*3", refusal(lambda: look(ragged), ragged))


# rows for a prediction

TRAINING = "a,c,y\n1,red,x\n,blue,z\n3,red,z\n"


@pytest.mark.parametrize(
    "content",
    [
        "a,c\n5,blue\n,red\n",
        "c,y,more,a\nblue,x,?,5\nred,,2020-01-01,NA\n",
        gzip.compress(b"c,a\nblue,5\nred,nan\n"),
        pd.DataFrame({"c": pd.Categorical(["blue", "red"]), "a": pd.array([5, None], "Int64")}),
    ],
    ids=["inputs alone", "other columns", "gzip", "Parquet"],
)
def test_rows_are_encoded_as_in_training(write: Callable[..., Path], content: Content) -> None:
    spec = InputSpec.from_json(look(write(TRAINING), impute="mean").spec.to_json())
    x = encode_rows(write(content, "rows.csv"), spec)
    np.testing.assert_array_equal(x, np.array([[5, 1, 0], [2, 0, 1]], np.float32), strict=True)


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("a\n5\n", "no column 'c'"),
        ("A,c\n5,red\n", "no column 'a'.*'A', 'c'"),
        ("a,c\n5,red\n6,green\n7,green\n", "'c', line 3.*'green'.*2 of 3.*'blue', 'red'"),
        ("a,c\n5,red\n6,NA\n", "'c', line 3.*1 of 2"),
        ("a,c\nfive,red\n", "'a', line 2.*'five'"),
        ("a,c\n5,red\nfive,red\n", "'a', line 3.*'five'"),
        ("a,c\n1e400,red\n", "'a', line 2.*'1e400'"),
        ("a,c\n1e39,red\n", "'a', line 2.*'1e39'"),
        ("a;c\n5;red\n", "';'"),
        ("5,red\n6,blue\n", "line 1.*'5'"),
        ("a,c\n", "without rows"),
        (pd.DataFrame({"a": pd.to_datetime(["2020-01-01"]), "c": ["red"]}), "'a'.*timestamp"),
    ],
)
def test_rows_without_an_encoding_are_refused(write: Callable[..., Path], content: Content, named: str) -> None:
    spec = look(write(TRAINING), impute="mean").spec
    path = write(content, "rows.csv")
    assert re.search(named, refusal(lambda: encode_rows(path, spec), path))


def test_missing_values_without_a_fill_are_refused(write: Callable[..., Path]) -> None:
    spec = look(write("a,y\n1,x\n3,z\n")).spec
    path = write("a\n1\n?\n", "rows.csv")
    assert re.search("'a', line 3.*1 of 2", refusal(lambda: encode_rows(path, spec), path))


@pytest.mark.parametrize(("options", "x"), [({"label": "first"}, [[2, 3], [5, 6]]), ({"leave_out": [0]}, [[2], [5]])])
def test_rows_without_a_header_have_the_inputs_or_all_columns(
    write: Callable[..., Path], options: dict[str, Any], x: list[list[int]]
) -> None:
    path = write("1,2,3\n4,5,6\n")
    spec = look(path, header=False, **options).spec
    inputs = write("\n".join(",".join(map(str, row)) for row in x), "inputs.csv")
    np.testing.assert_array_equal(encode_rows(path, spec), x)
    np.testing.assert_array_equal(encode_rows(inputs, spec), x)
    other = write("1,2,3,4\n", "other.csv")
    assert re.search("4 columns.*3", refusal(lambda: encode_rows(other, spec), other))


NAMES = st.text(st.characters(categories=("L", "N", "P"), exclude_characters="\"'"), min_size=1, max_size=8)
CATEGORIES = st.text(st.characters(categories=("L",)), min_size=1, max_size=5).map(lambda text: f"_{text}")


@st.composite
def frames(draw: st.DrawFn) -> pd.DataFrame:
    """Return a table with columns of numbers and of text, and a label in the last column."""
    rows = draw(st.integers(2, 12))
    names = draw(st.lists(NAMES.map(lambda name: f"n{name}"), min_size=2, max_size=5, unique=True))
    numbers = st.floats(-1e6, 1e6, width=32)
    kinds = [draw(st.sampled_from([numbers, st.integers(-1000, 1000), CATEGORIES, st.booleans()])) for _ in names]
    columns = {
        name: draw(st.lists(kind, min_size=rows, max_size=rows)) for name, kind in zip(names[:-1], kinds, strict=False)
    }
    labels = draw(st.lists(CATEGORIES, min_size=2, max_size=3, unique=True))
    return pd.DataFrame({**columns, names[-1]: [labels[i % len(labels)] for i in range(rows)]})


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(frame=frames(), separator=st.sampled_from([",", ";", "\t"]), decimal=st.sampled_from([".", ","]))
def test_a_written_table_is_read_with_the_values_it_had(
    write: Callable[..., Path], frame: pd.DataFrame, separator: str, decimal: str
) -> None:
    text = io.StringIO()
    frame.to_csv(text, index=False, sep=separator, decimal=decimal)
    path = write(text.getvalue())
    found = look(path, separator=separator, decimal=decimal)
    inputs = frame.iloc[:, :-1]
    dummies = [
        pd.get_dummies(column.astype(str), prefix=name, prefix_sep="=")
        if column.dtype in (object, bool, "str")
        else column
        for name, column in inputs.items()
    ]
    expected = pd.concat(dummies, axis=1)
    assert sorted(found.spec.names) == sorted(expected.columns)
    np.testing.assert_array_equal(found.train.x, expected[list(found.spec.names)].to_numpy(np.float32))
    assert found.class_names is not None
    assert [found.class_names[i] for i in found.train.y] == frame.iloc[:, -1].tolist()
    np.testing.assert_array_equal(encode_rows(path, found.spec), found.train.x)
    frame.to_parquet(path)
    np.testing.assert_array_equal(look(path).train.x, found.train.x)
