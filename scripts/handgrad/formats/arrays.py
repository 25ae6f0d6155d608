"""Read the format ``arrays``: NumPy's npz and npy files, and HDF5 files."""

import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from handgrad.datasets.data import Split
from handgrad.datasets.inputs import Array, InputSpec
from handgrad.formats.array_files import Header, Named, array_headers, read_array
from handgrad.formats.array_values import stored_inputs
from handgrad.formats.containers import Mismatch
from handgrad.formats.found import Entry, Found, Paths
from handgrad.formats.labels import class_numbers

#: role of an array -> its usual name in a file, as in the mnist.npz of Keras
NAMES = {"train_x": "x_train", "train_y": "y_train", "test_x": "x_test", "test_y": "y_test"}
#: layout -> its number of axes, and its axis of channels
LAYOUTS = {"NHW": (3, None), "NHWC": (4, 3), "NCHW": (4, 1)}
CHANNELS = (1, 3, 4)  # the usual numbers of channels


@dataclass(frozen=True)
class Place:
    """The place of an array. name: None for the only array of a file."""

    path: Path
    name: str | None


def read(entry: Entry, paths: Paths) -> Found:
    """Read inputs and labels; see ``found.Reader``. Raises Mismatch."""
    arrays = {role: _read(place) for role, place in _places(entry, paths).items()}
    parts = ("train", "test") if "test_x" in arrays else ("train",)
    for part in parts:
        _require_equal_length(arrays[f"{part}_x"], arrays[f"{part}_y"])
    inputs = [arrays[f"{part}_x"] for part in parts]
    _require_equal_shape(inputs)
    shape, notes = _image_shape(inputs[0], entry)
    x, max_value = stored_inputs(inputs, images=shape is not None, largest=entry["largest"])
    if entry["layout"] == "NHWC":
        x = [values.transpose(0, 3, 1, 2) for values in x]
    y, names = class_numbers([arrays[f"{part}_y"] for part in parts], entry["class_names"])
    splits = [Split(_rows(values), labels) for values, labels in zip(x, y, strict=True)]
    return Found(
        train=splits[0],
        test=splits[1] if len(splits) > 1 else None,
        spec=InputSpec(image_shape=shape, max_value=max_value),
        class_names=names,
        notes=(*notes, *_type_notes(inputs[0].values, x[0])),
    )


def _rows(x: Array) -> Array:
    return np.ascontiguousarray(x.reshape(len(x), -1))


# --- the arrays of a file


def _places(entry: Entry, paths: Paths) -> dict[str, Place]:
    """Return the place of each array. The test arrays are optional if the entry does not name them."""
    if "data" not in paths:
        if entry["arrays"]:
            raise Mismatch(
                paths["train_x"], "the option arrays", "it only for one file with all arrays (the role data)"
            )
        return {role: Place(path, None) for role, path in paths.items()}
    path, given = paths["data"], entry["arrays"] or {}
    headers = array_headers(path)
    named = {role: given.get(role) or name for role, name in NAMES.items()}
    optional = {role for role in ("test_x", "test_y") if not given.get(role)}
    if optional == {"test_x", "test_y"} and not {named[role] for role in optional} & set(headers):
        named = {role: name for role, name in named.items() if role not in optional}
    for role, name in named.items():
        if name not in headers:
            raise Mismatch(path, f"no array {name!r} among {_listed(headers)}", _named_hint(role, name, headers))
    return {role: Place(path, name) for role, name in named.items()}


def _listed(headers: Mapping[str, Header]) -> str:
    texts = [f"{name!r} {header}" if name else str(header) for name, header in headers.items()]
    return ", ".join(texts[:10]) + (f" and {len(texts) - 10} more" if len(texts) > 10 else "") or "no arrays"


def _named_hint(role: str, name: str, headers: Mapping[str, Header]) -> str:
    lower = {other.lower(): other for other in headers if other}
    similar = difflib.get_close_matches(name.lower(), lower, 1)
    meant = f"; did you mean {lower[similar[0]]!r}?" if similar else ""
    return f"the name of the array in the option arrays: {role}{meant}"


def _read(place: Place) -> Named:
    name = place.name
    if name is None:
        headers = array_headers(place.path)
        if len(headers) != 1:
            raise Mismatch(place.path, f"holds {_listed(headers)}", "one array; for several, use the role data alone")
        name = next(iter(headers))
    return read_array(place.path, name)


def _require_equal_length(x: Named, y: Named) -> None:
    for array in (x, y):
        if not array.values.ndim or not array.values.size:
            raise Mismatch(array.where, f"an array of the shape {array.values.shape}", "at least one example")
    if x.values.shape[0] != y.values.shape[0]:
        raise Mismatch(y.where, f"{len(y.values)} labels", f"{len(x.values)}, one for each example of {x.where}")


def _require_equal_shape(inputs: Sequence[Named]) -> None:
    train, test = inputs[0], inputs[-1]
    if train.values.shape[1:] != test.values.shape[1:]:
        found = f"examples of the shape {test.values.shape[1:]}"
        raise Mismatch(test.where, found, f"{train.values.shape[1:]}, as in training")


# --- images


def _image_shape(array: Named, entry: Entry) -> tuple[tuple[int, ...] | None, list[str]]:
    """Return the stored shape of an image, or None for features, and what is unusual about it."""
    shape, layout = array.values.shape, entry["layout"]
    if layout is None:
        return _shape_without_layout(array, entry["image_shape"]), []
    axes, channel_axis = LAYOUTS[layout]
    if len(shape) != axes:
        raise Mismatch(array.where, f"an array {shape} with layout {layout}", f"{axes} axes")
    if channel_axis is None:
        return shape[1:], []
    channels = shape[channel_axis]
    size = shape[1:3] if layout == "NHWC" else shape[2:]
    notes = []
    likely = _likely_layouts(shape)[0]
    if channels not in CHANNELS and shape[LAYOUTS[likely][1] or 0] in CHANNELS:
        notes.append(f"an array {shape} with layout {layout} has {channels} channels; layout {likely} is more likely")
    return size if channels == 1 else (channels, *size), notes


def _shape_without_layout(array: Named, image_shape: Sequence[int] | None) -> tuple[int, ...] | None:
    shape = array.values.shape
    if len(shape) == 2:
        if image_shape is not None and math.prod(image_shape) != shape[1]:
            found = f"{shape[1]} values an example"
            raise Mismatch(array.where, found, f"{math.prod(image_shape)} for image_shape {list(image_shape)}")
        return None if image_shape is None else tuple(image_shape)
    layouts = _likely_layouts(shape)
    if not layouts:
        raise Mismatch(array.where, f"an array {shape}", "two axes for features, three or four for images")
    raise Mismatch(array.where, f"an array {shape} without layout", f"layout: {' or layout: '.join(layouts)}")


def _likely_layouts(shape: Sequence[int]) -> list[str]:
    """Return the layouts of an array; those whose axis of channels has a usual size come first."""
    layouts = {layout: axis for layout, (axes, axis) in LAYOUTS.items() if axes == len(shape)}
    return sorted(layouts, key=lambda layout: shape[layouts[layout] or 0] not in CHANNELS)


def _type_notes(given: Array, stored: Array) -> list[str]:
    """Return what a user may not expect of the type of the inputs."""
    if given.dtype == np.uint8 and stored.dtype != np.uint8 and given.ndim == 2:
        return ["the uint8 values are features, because the array has two axes; for pixels, write image_shape"]
    if given.dtype.kind in "iu" and given.ndim > 2 and stored.dtype != np.uint8:
        return ["the integers are not all from 0 to 255, so the images are floating-point numbers"]
    return []
