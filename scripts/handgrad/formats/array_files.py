"""Read arrays from npy, npz and HDF5 files of untrusted sources.

Nothing is unpickled, and no other file is opened. Sizes that a file declares are compared with its content before
memory is allocated.
"""

import math
import tokenize
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import h5py
import numpy as np

from handgrad.datasets.inputs import Array
from handgrad.formats.containers import DAMAGE, DEFLATE_RATIO, Mismatch

MOST_BYTES = 1 << 32  # of an array
NPY, NPZ, HDF5 = b"\x93NUMPY", b"PK\x03\x04", b"\x89HDF\r\n\x1a\n"
#: the first bytes of other files -> how messages call them
OTHER_FILES = {
    b"\x80": "a pickled object, which is never read",
    b"\x1f\x8b": "a gzip file; decompress it",
    b"MATLAB": "a MATLAB file; save its arrays as npz",
}
EXPECTED = "an npy, npz or HDF5 file"
#: the exceptions that damaged or malicious files raise in numpy, zipfile and h5py
BROKEN = (*DAMAGE, zipfile.BadZipFile, OSError, RuntimeError, TypeError, tokenize.TokenError)


@dataclass(frozen=True)
class Header:
    """The declared shape and type of an array."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def nbytes(self) -> int:
        """Return the declared size of its values."""
        return math.prod(self.shape) * self.dtype.itemsize

    def __str__(self) -> str:
        name = "text" if h5py.check_string_dtype(self.dtype) else self.dtype.name
        return f"{name} {self.shape}"


@dataclass(frozen=True)
class Named:
    """An array, and how messages name it."""

    where: str
    values: Array


def array_headers(path: Path) -> dict[str, Header]:
    """Return the header of each array in a file, by its name; the array of an npy file has the name "".

    Raises Mismatch if the file is not an intact npy, npz or HDF5 file.
    """
    with _damage_as_mismatch(path):
        kind = _kind(path)
        if kind == NPY:
            with path.open("rb") as file:
                return {"": _npy_header(file)}
        if kind == NPZ:
            with zipfile.ZipFile(path) as archive:
                return {name: _member_header(path, archive, name) for name in _npz_names(path, archive)}
        with _open_hdf5(path) as hdf5:
            return {name: Header(data.shape, data.dtype) for name, data in _datasets(hdf5).items()}


def read_array(path: Path, name: str) -> Named:
    """Return an array that ``array_headers`` lists. Raises Mismatch if it is damaged, or is not plain numbers or text.

    Text of an HDF5 file has the type str.
    """
    where = f"{path}: {name}" if name else f"{path}"
    with _damage_as_mismatch(where):
        kind = _kind(path)
        if kind == NPY:
            return Named(where, _read_npy(path))
        if kind == NPZ:
            with zipfile.ZipFile(path) as archive:
                return Named(where, _read_member(path, archive, name, where))
        with _open_hdf5(path) as hdf5:
            return Named(where, _read_dataset(_datasets(hdf5)[name], where))


@contextmanager
def _damage_as_mismatch(where: object) -> Iterator[None]:
    try:
        yield
    except BROKEN as error:
        if isinstance(error, OSError) and error.errno:  # the system's error, not the library's
            raise
        raise Mismatch(where, f"damaged ({' '.join(str(error).split())})", EXPECTED) from error


def _kind(path: Path) -> bytes:
    with path.open("rb") as file:
        start = file.read(16)
    for kind in (NPY, NPZ, HDF5):
        if start.startswith(kind):
            return kind
    names = (name for other, name in OTHER_FILES.items() if start.startswith(other))
    raise Mismatch(path, next(names, f"a file that begins with {start[:8]!r}"), EXPECTED)


# --- npy and npz


def _npy_header(file: IO[bytes]) -> Header:
    """Read the header of an npy file. The position of the file is then the start of the values."""
    first = np.lib.format.read_magic(file) == (1, 0)
    shape, _, dtype = (np.lib.format.read_array_header_1_0 if first else np.lib.format.read_array_header_2_0)(file)
    return Header(shape, dtype)


def _read_npy(path: Path) -> Array:
    with path.open("rb") as file:
        header = _npy_header(file)
        _require_plain(path, header)
        _require_size(path, header, path.stat().st_size - file.tell())
        file.seek(0)
        values: Array = np.lib.format.read_array(file, allow_pickle=False)
    return values


def _npz_names(path: Path, archive: zipfile.ZipFile) -> list[str]:
    members = [name for name in archive.namelist() if name.endswith(".npy")]
    if len(set(members)) < len(members):
        raise Mismatch(path, "two arrays of one name", "different names")
    return [name.removesuffix(".npy") for name in members]


def _member_header(path: Path, archive: zipfile.ZipFile, name: str) -> Header:
    with _open_member(path, archive, name) as file:
        return _npy_header(file)


def _open_member(path: Path, archive: zipfile.ZipFile, name: str) -> IO[bytes]:
    member = archive.getinfo(f"{name}.npy")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # the ratio of others has no bound
        raise Mismatch(f"{path}: {name}", f"the compression method {member.compress_type}", "none, or deflate")
    return archive.open(member)


def _read_member(path: Path, archive: zipfile.ZipFile, name: str, where: str) -> Array:
    size, packed = archive.getinfo(f"{name}.npy").file_size, path.stat().st_size
    with _open_member(path, archive, name) as file:
        header = _npy_header(file)
        _require_plain(where, header)
        _require_size(where, header, size - file.tell())
        if header.nbytes > DEFLATE_RATIO * packed:
            raise Mismatch(where, f"{header} in a file of {packed} bytes", f"at most {DEFLATE_RATIO * packed} bytes")
    with _open_member(path, archive, name) as file:
        values: Array = np.lib.format.read_array(file, allow_pickle=False)
    return values


def _require_plain(where: object, header: Header) -> None:
    """Raise Mismatch if an array does not hold numbers or text, or is too large."""
    if header.dtype.kind not in "biufSU":
        kind = "Python objects, which are pickled" if header.dtype.hasobject else f"the type {header.dtype}"
        raise Mismatch(where, kind, "plain numbers or text; save it again with a type such as uint8 or float32")
    if header.nbytes > MOST_BYTES:
        raise Mismatch(where, f"{header}", f"at most {MOST_BYTES} bytes")


def _require_size(where: object, header: Header, size: int) -> None:
    """Raise Mismatch if an array does not fill the bytes of its values."""
    if header.nbytes != size:
        raise Mismatch(where, f"{size} bytes of values", f"{header.nbytes} for {header}")


# --- HDF5


def _open_hdf5(path: Path) -> h5py.File:
    return h5py.File(path, "r", locking=False)


def _datasets(file: h5py.File) -> dict[str, h5py.Dataset]:
    """Return the datasets of an HDF5 file by their path. Links to other places or files are not followed."""
    found: dict[str, h5py.Dataset] = {}

    def visit(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset) and item.shape is not None:
            found[name] = item

    file.visititems(visit)
    return found


def _read_dataset(data: h5py.Dataset, where: str) -> Array:
    if data.is_virtual or data.external:
        raise Mismatch(where, "values that are in another file", "values in this file")
    header = Header(data.shape, data.dtype)
    text = h5py.check_string_dtype(data.dtype)
    if not text:
        _require_plain(where, header)
    if not _is_written(data):
        raise Mismatch(where, f"{header}, of which a part was never written", "an array that is written as a whole")
    if text and text.length is None:
        return np.array(data.asstr()[()], dtype=str)
    values: Array = data[()]
    return values


def _is_written(data: h5py.Dataset) -> bool:
    """Return whether all values are stored. HDF5 returns zeros for others, and allocates memory for them."""
    if data.chunks is None:
        return bool(data.id.get_storage_size() >= data.nbytes)
    chunks = math.prod(-(-n // chunk) for n, chunk in zip(data.shape, data.chunks, strict=True))
    return bool(data.id.get_num_chunks() == chunks)
