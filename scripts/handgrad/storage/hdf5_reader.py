"""Read attributes and arrays of HDF5 files with the low-level interface of h5py.

Tables and plots of an experiment read thousands of run files. ``file.attrs`` and ``file[name][:]`` take two to three
times as long, because they derive the NumPy type of each value again.
"""

from typing import Any

import h5py
import numpy as np
from h5py import h5a, h5d, h5s, h5t
from numpy.typing import DTypeLike

from handgrad.network.activations import Array

#: the NumPy type of a scalar attribute by its HDF5 class
_SCALARS = {h5t.INTEGER: np.dtype("int64"), h5t.FLOAT: np.dtype("float64"), h5t.STRING: h5py.string_dtype()}
_IN_MEMORY = {kind: h5t.py_create(dtype) for kind, dtype in _SCALARS.items()}


def read_attributes(group: h5py.Group) -> dict[str, Any]:
    """Return the attributes of a group as Python values by name; an empty attribute is None.

    Raises OSError if an attribute is not a number or a text of variable length.
    """
    names: list[bytes] = []
    h5a.iterate(group.id, names.append)
    return {name.decode(): _scalar(h5a.open(group.id, name)) for name in names}


def _scalar(attribute: h5a.AttrID) -> Any:
    stored, shape = attribute.get_type(), attribute.shape
    if shape is None:
        return None
    kind = stored.get_class()
    # HDF5 would write beyond the value if it had a different shape or layout.
    if shape or kind not in _SCALARS or (kind == h5t.STRING and not stored.is_variable_str()):
        raise OSError(f"its attribute {attribute.name.decode()} is not a number or a text")
    value = np.empty((), _SCALARS[kind])
    attribute.read(value, mtype=_IN_MEMORY[kind])
    found = value.item()
    return found.decode() if isinstance(found, bytes) else found


def read_array(group: h5py.Group, name: str, dtype: DTypeLike) -> Array:
    """Return a dataset of a group with shape (N,) and this type. Raises OSError or KeyError if there is none."""
    stored = h5d.open(group.id, name.encode())
    if stored.rank != 1 or not stored.get_type().equal(h5t.py_create(np.dtype(dtype))):
        raise OSError(f"{name} is not a list of numbers of type {np.dtype(dtype)}")
    array = np.empty(stored.shape, dtype)
    stored.read(h5s.ALL, h5s.ALL, array)
    return array
