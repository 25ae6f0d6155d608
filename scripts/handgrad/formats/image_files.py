"""Convert image files to 8-bit grey or RGB pixels.

The orientation of EXIF is applied. Transparent pixels are composed on white. Palettes, CMYK and 1-bit images are
converted; 16-bit grey values v become v / 257, rounded. Colour images become grey by the ITU-R 601-2 luma transform.
Colour profiles are not applied. Resizing uses Pillow's LANCZOS filter and does not keep the aspect ratio.
"""

import math
import struct
import warnings
import zlib
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.TiffImagePlugin import BITSPERSAMPLE, PHOTOMETRIC_INTERPRETATION, TiffImageFile

from handgrad.datasets.inputs import Bytes, InputSpec
from handgrad.formats.containers import Mismatch
from handgrad.formats.file_trees import read_file

#: Pillow's names; others are left out because some of them start programs or hold no single image
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")
_8_BITS = frozenset({"1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr"})
_16_BITS = frozenset({"I;16", "I;16L", "I;16B", "I;16N"})
#: the exceptions that Pillow raises for damaged or malicious files
_DAMAGE = (OSError, SyntaxError, ValueError, TypeError, EOFError, ArithmeticError, LookupError, AttributeError,
           MemoryError, RuntimeError, struct.error, zlib.error)  # fmt: skip


class BrokenImageError(Exception):
    """An image file that cannot be used. The message says why, without the name of the file."""


def decode_image(content: bytes, channels: int, size: tuple[int, int] | None) -> Image.Image:
    """Return the image in a file's content, upright: of mode L for one channel, of mode RGB for three.

    size: the (height, width) to which the caller resizes it. A large JPEG is then decoded at a reduced size, at least
    twice as large, as Pillow's ``thumbnail`` does. Raises BrokenImageError.
    """
    if not content:
        raise BrokenImageError("an empty file")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's remarks on metadata
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(BytesIO(content), formats=FORMATS) as image:
                _require_supported(image)
                if size is not None:
                    image.draft(None, (2 * max(size), 2 * max(size)))
                image.load()
                return _converted(ImageOps.exif_transpose(image), channels)
    except UnidentifiedImageError as error:
        raise BrokenImageError(f"not a file of {', '.join(FORMATS)}") from error
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise BrokenImageError(f"more than {Image.MAX_IMAGE_PIXELS:,} pixels") from error
    except _DAMAGE as error:
        raise BrokenImageError(f"damaged: {' '.join(str(error).split()) or type(error).__name__}") from error


def _require_supported(image: Image.Image) -> None:
    if getattr(image, "is_animated", False) and image.format != "MPO":  # phones add a preview to a JPEG
        raise BrokenImageError("several frames or pages")
    wide_grey = image.mode in _16_BITS or (image.mode == "I" and image.format == "PPM")
    if not (wide_grey or image.mode in _8_BITS):
        raise BrokenImageError(f"pixels of Pillow's mode {image.mode}, not of 8 bits or 16-bit grey")
    if isinstance(image, TiffImageFile) and image.mode in _16_BITS:
        tags = image.tag_v2
        if (tags.get(PHOTOMETRIC_INTERPRETATION), tags.get(BITSPERSAMPLE)) != (1, (16,)):  # 1: 0 is black
            raise BrokenImageError("a TIFF of 12 bits, or of 16 bits in which 0 is white")


def _converted(image: Image.Image, channels: int) -> Image.Image:
    """Return an image as grey (mode L) or RGB."""
    if image.mode not in _8_BITS:
        image = _of_16_bits(image)
    if image.has_transparency_data:
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
    return image.convert("L" if channels == 1 else "RGB")


def _of_16_bits(image: Image.Image) -> Image.Image:
    """Return a 16-bit grey image as 8-bit grey: v * 255 / 65535, rounded. A transparent value becomes white."""
    values = np.asarray(image).astype(np.uint32)
    grey = ((values + 128) // 257).astype(np.uint8)
    if "transparency" in image.info:
        grey[values == image.info["transparency"]] = 255
    return Image.fromarray(grey)


def image_pixels(image: Image.Image, size: tuple[int, int]) -> Bytes:
    """Return the pixels of a grey or RGB image, resized to (height, width): uint8 (H, W) or (3, H, W)."""
    height, width = size
    if image.size != (width, height):
        image = image.resize((width, height), Image.Resampling.LANCZOS)
    values = np.asarray(image)
    return values if values.ndim == 2 else values.transpose(2, 0, 1)


def read_images(paths: Sequence[Path], spec: InputSpec) -> Bytes:
    """Return the pixels of image files as inputs of a network that was trained on images: uint8 (N, D).

    Images are resized only if those of the training data were. Raises Mismatch, which names the file, for a file that
    is not an image, for another size, and for a pixel above the largest possible one.
    """
    shape, channels = _shape_of_images(paths[0], spec)
    x = np.empty((len(paths), math.prod(shape) * channels), np.uint8)
    for row, path in enumerate(paths):
        try:
            image = decode_image(read_file(path), channels, shape if spec.resized else None)
        except BrokenImageError as error:
            raise Mismatch(path, str(error), "an image file") from error
        if not spec.resized:
            require_size(path, image, shape, "as in the training data")
        x[row] = image_pixels(image, shape).ravel()
        if spec.max_value is not None and x[row].max() > spec.max_value:
            raise Mismatch(path, f"a pixel of {x[row].max()}", f"0 to {spec.max_value}, as in the training data")
    return x


def _shape_of_images(path: Path, spec: InputSpec) -> tuple[tuple[int, int], int]:
    """Return (height, width) and the number of channels. Raises Mismatch if an image file cannot be an input."""
    shape = spec.image_shape
    if shape is None or spec.max_value is None:
        raise Mismatch(path, "an image file", "features: the network was not trained on 8-bit images")
    channels = shape[0] if len(shape) == 3 else 1
    if channels not in (1, 3):
        raise Mismatch(path, "an image file of 1 or 3 channels", f"{channels} channels, as in the training data")
    return (shape[-2], shape[-1]), channels


def require_size(where: object, image: Image.Image, size: tuple[int, int], why: str) -> None:
    """Raise Mismatch if an image is not of this (height, width). why: a clause for the message."""
    if (image.height, image.width) != size:
        found = f"an image {image.height} pixels high and {image.width} wide"
        raise Mismatch(where, found, f"{size[0]} high and {size[1]} wide, {why}")
