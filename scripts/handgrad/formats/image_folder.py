"""Read a folder or a zip file of class folders that hold image files; ``image_layout`` has the rules for folders."""

import math
from collections.abc import Iterator, Sequence

import numpy as np

from handgrad.common.folders import Parts
from handgrad.datasets.data import Split
from handgrad.datasets.inputs import Bytes, InputSpec
from handgrad.formats.containers import Mismatch
from handgrad.formats.file_trees import FileTree, open_tree
from handgrad.formats.found import Entry, Found, Paths
from handgrad.formats.image_files import BrokenImageError, decode_image, image_pixels, require_size
from handgrad.formats.image_layout import find_layout, shorten

STRETCHED = 1.25  # a note is given if resizing changes an aspect ratio by more than this factor
DARK = 15  # a note is given if no pixel is above it, as in 16-bit files that use 12 bits


def read(entry: Entry, paths: Paths) -> Found:
    """Return the images of the folder or zip file ``images``, in the order of their paths.

    ``size`` of the entry is the (height, width) to which images are resized; None requires images of one size.
    ``channels`` is 1 for grey, 3 or None for red, green and blue. Raises Mismatch.
    """
    channels = entry["channels"] or 3
    with open_tree(paths["images"]) as tree:
        layout = find_layout(tree)
        images = _Images(tree, channels, entry["size"] and tuple(entry["size"]))
        x = images.read([*layout.train, *layout.test])
    n = len(layout.train)
    height, width = images.shape
    return Found(
        train=Split(x[:n], layout.labels(layout.train)),
        test=Split(x[n:], layout.labels(layout.test)) if layout.test else None,
        spec=InputSpec(
            image_shape=(height, width) if channels == 1 else (3, height, width),
            max_value=entry["largest"],
            resized=entry["size"] is not None,
        ),
        class_names=layout.class_names,
        notes=(*layout.notes, *images.notes(x, entry["largest"])),
    )


class _Images:
    """Reads the images of a tree. It keeps what the notes on all images need.

    shape: (height, width) of all images, known after the first one.
    """

    shape: tuple[int, int]

    def __init__(self, tree: FileTree, channels: int, size: tuple[int, int] | None) -> None:
        self._tree, self._channels, self._size = tree, channels, size
        self._grey = channels == 3
        self._stretched = 0

    def read(self, names: Sequence[Parts]) -> Bytes:
        """Return the pixels of these files, uint8 (N, D). Raises one Mismatch that names all broken files."""
        x: Bytes | None = None
        broken = []
        for row, name in enumerate(names):
            try:
                image = decode_image(self._tree.files[name](), self._channels, self._size)
            except BrokenImageError as error:
                broken.append(f"{'/'.join(name)} ({error})")
                continue
            if x is None:
                first = "/".join(name)
                self.shape = self._size or (image.height, image.width)
                x = self._allocate(len(names))
            if self._size is None:
                where = f"{self._tree.path}: {'/'.join(name)}"
                require_size(where, image, self.shape, f"as {first}; or give size: [H, W], to resize all images")
            self._stretched += not 1 / STRETCHED <= self._stretch(image.width, image.height) <= STRETCHED
            pixels = image_pixels(image, self.shape)
            self._grey = self._grey and bool((pixels == pixels[0]).all())
            x[row] = pixels.ravel()
        if broken or x is None:
            found = f"{len(broken):,} of {len(names):,} images cannot be read: {shorten(broken)}"
            raise Mismatch(self._tree.path, found, "images that can be read; replace or remove these files")
        return x

    def _allocate(self, n: int) -> Bytes:
        values = math.prod(self.shape) * self._channels
        try:
            return np.empty((n, values), np.uint8)
        except MemoryError as error:
            found = f"{n:,} images of {values:,} values need {n * values / 1e9:.1f} GB"
            raise Mismatch(self._tree.path, found, "less than the free memory; give a smaller size: [H, W]") from error

    def _stretch(self, width: int, height: int) -> float:
        """Return by which factor resizing changes the aspect ratio."""
        return (width / height) / (self.shape[1] / self.shape[0])

    def notes(self, x: Bytes, max_value: int) -> Iterator[str]:
        """Yield sentences about unusual images."""
        if self._stretched:
            size = " x ".join(str(length) for length in self.shape)
            yield f"resizing to {size} does not keep the aspect ratio of {self._stretched:,} of {len(x):,} images"
        if self._grey:
            yield "all images are grey, so channels: 1 gives the same information with a third of the inputs"
        if x.max() <= DARK < max_value:
            yield f"no pixel is above {x.max()}, so the images are almost black; check the program that wrote them"
