"""Convert labels of any type to class numbers 0, 1, 2, ..."""

from collections.abc import Sequence

import numpy as np

from handgrad.datasets.inputs import Array, Bytes
from handgrad.formats.array_files import Named
from handgrad.formats.containers import Mismatch
from handgrad.formats.found import EXACT

MOST_CLASSES = 256
INTEGERS = "integers, text, or one-hot rows"


def class_numbers(
    arrays: Sequence[Named], class_names: Sequence[str] | None
) -> tuple[list[Bytes], tuple[str, ...] | None]:
    """Return the class of each example, uint8 (N,), and the names of the classes if the labels decide them.

    arrays: the training labels, and the test labels if there are some: (N,) or (N, 1), or one-hot (N, K). class_names:
    the names in the registry entry, or None. Text is the name of a class; classes are sorted unless class_names gives
    their order. Integers are class numbers if they are 0, 1, ..., K - 1, and otherwise the names of classes, in
    ascending order. Raises Mismatch for other labels.
    """
    columns = [Named(array.where, _column(array)) for array in arrays]
    _require_equal_columns(arrays)
    kinds = {"text" if column.values.dtype.kind == "U" else "numbers" for column in columns}
    if len(kinds) > 1:
        raise Mismatch(columns[-1].where, "text in one split and numbers in the other", "labels of one kind")
    distinct = np.unique(np.concatenate([np.unique(column.values) for column in columns]))
    if len(distinct) > MOST_CLASSES:
        found = f"{len(distinct)} different labels, such as {distinct[0]} and {distinct[1]}"
        raise Mismatch(arrays[0].where, found, f"at most {MOST_CLASSES} classes")
    if class_names is None and len(distinct) < 2:
        raise Mismatch(arrays[0].where, f"only the label {distinct[0]!s}", "at least two classes")
    classes, names = _classes(columns, distinct, class_names)
    order = np.argsort(classes, kind="stable")
    return [order[np.searchsorted(classes[order], column.values)].astype(np.uint8) for column in columns], names


def _column(array: Named) -> Array:
    """Return labels as bool, integers or text, (N,)."""
    values = array.values
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    elif values.ndim == 2 and values.dtype.kind in "biuf":
        return _from_one_hot(array)
    if values.ndim != 1:
        raise Mismatch(array.where, f"labels of the shape {values.shape}", "(N,), (N, 1) or one-hot (N, K)")
    if values.dtype.kind == "S":
        try:
            return np.char.decode(values, "utf-8")
        except UnicodeDecodeError as error:
            raise Mismatch(array.where, f"text that is not UTF-8 ({error})", "UTF-8") from error
    return values if values.dtype.kind in "bU" else _integers(Named(array.where, values))


def _require_equal_columns(arrays: Sequence[Named]) -> None:
    columns = [array.values.shape[1] for array in arrays if array.values.ndim == 2]
    if len(columns) == len(arrays) and len(set(columns)) > 1:
        raise Mismatch(arrays[-1].where, f"{columns[-1]} columns", f"{columns[0]}, as in training")


def _from_one_hot(array: Named) -> Array:
    wrong = ((array.values != 0) & (array.values != 1)).any(axis=1) | (array.values.sum(axis=1) != 1)
    if wrong.any():
        row = int(np.argmax(wrong))
        found = f"{array.values[row][:9]} in an array {array.values.shape}"
        raise Mismatch(f"{array.where}: index [{row}]", found, "labels (N,), or one-hot rows with one 1 and zeros")
    labels: Array = array.values.argmax(axis=1)
    return labels


def _integers(array: Named) -> Array:
    """Return labels as int64. Floating-point labels are allowed if they are whole numbers."""
    if array.values.dtype.kind not in "iuf":
        raise Mismatch(array.where, f"labels of the type {array.values.dtype}", INTEGERS)
    wrong = ~(np.abs(array.values.astype(np.float64)) < EXACT) | (array.values != np.floor(array.values))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise Mismatch(f"{array.where}: index [{row}]", f"the label {array.values[row]}", INTEGERS)
    return array.values.astype(np.int64)


def _classes(
    columns: Sequence[Named], distinct: Array, class_names: Sequence[str] | None
) -> tuple[Array, tuple[str, ...] | None]:
    """Return the label of each class in the order of classes, and the names that the labels decide."""
    if distinct.dtype.kind == "U":
        classes = distinct if class_names is None else np.array(class_names)
        _require_known(columns, classes)
        return classes, tuple(map(str, classes))
    K = len(distinct) if class_names is None else len(class_names)
    if distinct.dtype.kind == "b":
        return np.array([False, True]), ("False", "True")
    if distinct[0] >= 0 and distinct[-1] < K:
        return np.arange(K), None
    if len(distinct) != K:
        found = f"{len(distinct)} different labels from {distinct[0]} to {distinct[-1]}"
        raise Mismatch(columns[0].where, found, f"0 to {K - 1}, or {K} different labels, for {K} class_names")
    return distinct, tuple(map(str, distinct))


def _require_known(columns: Sequence[Named], classes: Array) -> None:
    for column in columns:
        unknown = ~np.isin(column.values, classes) | (np.char.strip(column.values) == "")
        if unknown.any():
            row = int(np.argmax(unknown))
            known = ", ".join(map(repr, classes[:10].tolist()))
            raise Mismatch(
                f"{column.where}: index [{row}]", f"the label {str(column.values[row])!r}", f"one of {known}"
            )
