"""Read examples for a trained model from image files, tables and arrays."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from handgrad.common.errors import HandgradError
from handgrad.common.system_errors import unreadable
from handgrad.datasets.inputs import Array, InputSpec
from handgrad.formats.array_files import array_headers, read_array
from handgrad.formats.containers import Mismatch
from handgrad.formats.image_files import read_images
from handgrad.formats.table import encode_rows

ARRAY_FILES = (".npy", ".npz", ".h5", ".hdf5")


@dataclass(frozen=True)
class Examples:
    """Examples of one file. x: uint8 pixels or float32 features (n, D), not yet scaled."""

    file: Path
    x: Array


def read_examples(paths: Sequence[Path], spec: InputSpec, inputs: int) -> list[Examples]:
    """Return the examples of each file, in order. inputs: D.

    ``ARRAY_FILES`` hold arrays. Other files are tables if the model was trained on a table, otherwise images.
    Raises HandgradError, one line, if a file cannot be read or does not fit the model.
    """
    return [Examples(path, _read(path, spec, inputs)) for path in paths]


def _read(path: Path, spec: InputSpec, inputs: int) -> Array:
    if not path.is_file():
        raise HandgradError(f"{path}: no such file")
    try:
        if path.suffix.lower() in ARRAY_FILES:
            return array_inputs(path, _read_array(path), spec, inputs)
        if spec.columns:
            return encode_rows(path, spec)
        if spec.max_value is not None:
            return read_images([path], spec)
        raise Mismatch(path, "not an array", f"a file {' or '.join(ARRAY_FILES)} with {inputs} numbers an example")
    except Mismatch as error:
        raise HandgradError(str(error)) from error
    except OSError as error:
        raise unreadable(error, path) from error


def _read_array(path: Path) -> Array:
    """Return the array of a file; of several arrays, the one that is called x or x_test."""
    names = list(array_headers(path))
    chosen = names if len(names) == 1 else [name for name in ("x", "x_test") if name in names]
    if len(chosen) != 1:
        raise Mismatch(path, f"the arrays {', '.join(names) or 'none'}", "one array, or one called x or x_test")
    return read_array(path, chosen[0]).values


def array_inputs(where: object, values: Array, spec: InputSpec, inputs: int) -> Array:
    """Return an array as inputs: uint8 pixels or float32 features (n, D).

    values: examples of the stored shape, (n, H, W), (n, C, H, W) or (n, D); images with channels last, (n, H, W, C);
    or one example without n. Raises Mismatch if shape, type or range do not fit.
    """
    x = _rows(where, values, spec, inputs)
    if spec.max_value is None:
        return _features(where, x)
    if x.dtype.kind not in "biu":
        raise Mismatch(where, f"values of the type {x.dtype}", "integers: the model was trained on pixels")
    if x.size and not (x.min() >= 0 and x.max() <= spec.max_value):
        raise Mismatch(where, f"pixels from {x.min()} to {x.max()}", f"0 to {spec.max_value}, as in the training data")
    return x.astype(np.uint8)


def _rows(where: object, values: Array, spec: InputSpec, inputs: int) -> Array:
    shape = spec.image_shape or (inputs,)
    if values.shape == shape:
        values = values[None]
    channels_last = (*shape[1:], shape[0])
    if len(shape) == 3 and values.shape[1:] == channels_last != shape:
        values = np.moveaxis(values, -1, 1)
    if values.ndim < 2 or values.shape[1:] not in (shape, (inputs,)):
        expected = " or ".join(str(("N", *one)).replace("'", "") for one in dict.fromkeys((shape, (inputs,))))
        raise Mismatch(where, f"an array of the shape {values.shape}", f"{expected}, as in the training data")
    return values.reshape(len(values), inputs)


def _features(where: object, x: Array) -> Array:
    if x.dtype.kind not in "biuf":
        raise Mismatch(where, f"values of the type {x.dtype}", "numbers")
    with np.errstate(over="ignore"):
        features = x.astype(np.float32)
    finite = np.isfinite(features).all(axis=1)
    if not finite.all():
        row = int(np.argmin(finite))
        raise Mismatch(
            f"{where}: row {row}", "a value that is missing, infinite or too large", "finite float32 numbers"
        )
    return features
