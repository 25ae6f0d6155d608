"""The meaning of the inputs of an example. It is stored with a dataset and with each run, so that a run can be used."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Bytes = NDArray[np.uint8]
Rows = NDArray[np.intp]


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of a table.

    categories: the values of a categorical column, one input each; empty for a column of numbers. fill: the number that
    replaces a missing value, or None.
    """

    name: str
    categories: tuple[str, ...] = ()
    fill: float | None = None

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of its inputs: ``width``, or ``colour=red`` for each category."""
        return tuple(f"{self.name}={category}" for category in self.categories) or (self.name,)


@dataclass(frozen=True, kw_only=True)
class InputSpec:
    """The inputs x of an example: pixels of an image, or features.

    image_shape: (height, width) or (channels, height, width), in the order of the stored values; None for features
    without an image. max_value: the largest possible pixel; None for floating-point inputs. columns: of a table, in
    order; empty for other data. resized: image files are resized to image_shape. separator, decimal, header: how a
    text table is written. file_columns: the number of columns of a table without a header, the label included.
    """

    image_shape: tuple[int, ...] | None = None
    max_value: int | None = None
    columns: tuple[Column, ...] = ()
    resized: bool = False
    separator: str = ","
    decimal: str = "."
    header: bool = True
    file_columns: int | None = None

    @property
    def dtype(self) -> type[np.uint8] | type[np.float32]:
        """The dtype of stored inputs: uint8 for pixels, float32 for floating point."""
        return np.float32 if self.max_value is None else np.uint8

    @property
    def names(self) -> tuple[str, ...]:
        """The name of each input; empty if the inputs have no names."""
        return tuple(name for column in self.columns for name in column.inputs)

    def to_json(self) -> str:
        """Return a text from which ``from_json`` makes the same object."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "InputSpec":
        """Return the object that ``to_json`` wrote."""
        values: Mapping[str, Any] = json.loads(text)
        shape = values["image_shape"]
        columns = tuple(Column(**{**column, "categories": tuple(column["categories"])}) for column in values["columns"])
        return cls(**{**values, "image_shape": shape and tuple(shape), "columns": columns})
