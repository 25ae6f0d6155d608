"""Image files of any kind become 8-bit pixels, and folders become splits and classes, or one line says why not."""

import hashlib
import io
import os
import shutil
import struct
import unicodedata
import warnings
import zipfile
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from handgrad.common.errors import HandgradError
from handgrad.common.folders import size_and_sha256
from handgrad.datasets.inputs import Bytes, InputSpec
from handgrad.datasets.source_files import file_fault
from handgrad.formats import file_trees
from handgrad.formats.containers import Mismatch
from handgrad.formats.found import Found
from handgrad.formats.image_files import decode_image, read_images
from handgrad.formats.image_folder import read

Files = Mapping[str, bytes]
RNG = np.random.default_rng(0)


def entry_of(**options: Any) -> dict[str, Any]:
    return {"size": None, "channels": None, "largest": 255, "train": None, "test": None, **options}


def saved(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    content = io.BytesIO()
    image.save(content, kind, **options)
    return content.getvalue()


def encoded(values: Any, kind: str = "PNG", dtype: Any = np.uint8, **options: Any) -> bytes:
    """Return the file of an image with these values."""
    return saved(Image.fromarray(np.asarray(values, dtype)), kind, **options)


def raw_png(size: tuple[int, int], depth: int, colour: int, rows: bytes, *, chunks: bytes = b"") -> bytes:
    """Return a PNG file of a kind that Pillow does not write. size: (height, width). rows: with their filter bytes."""
    header = struct.pack(">IIBBBBB", size[1], size[0], depth, colour, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    chunk = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    ]
    return b"\x89PNG\r\n\x1a\n" + chunk[0] + chunks + chunk[1] + chunk[2]


def grey(value: int, shape: tuple[int, int] = (2, 2)) -> bytes:
    return encoded(np.full(shape, value))


CLASSES = {"cat/1.png": grey(1), "cat/2.png": grey(2), "dog/1.png": grey(3)}


def write_folder(place: Path, files: Files) -> Path:
    for name, content in files.items():
        path = place / name
        if name.endswith("/"):
            path.mkdir(parents=True, exist_ok=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    return place


def write_zip(place: Path, files: Files, method: int = zipfile.ZIP_DEFLATED) -> Path:
    path = place.with_suffix(".zip")
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w", method) as archive:
        warnings.simplefilter("ignore")  # duplicate names
        for name, content in files.items():
            archive.writestr(name, content)
    return path


@pytest.fixture(params=[write_folder, write_zip], ids=["folder", "zip"])
def found(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., Found]:
    """Return a function that writes files as a folder or as a zip file, and reads them."""

    def write_and_read(files: Files, **options: Any) -> Found:
        return read(entry_of(**options), {"images": request.param(tmp_path / "pictures", files)})

    return write_and_read


def refusal(act: Callable[[], object]) -> str:
    """Return the message of the Mismatch or HandgradError that a call raises. It is one line."""
    with pytest.raises((Mismatch, HandgradError), match=r"\A[^\n]+\Z") as caught:
        act()
    return str(caught.value)


def pixels_of(tmp_path: Path, content: bytes, shape: tuple[int, ...], name: str = "image.png") -> Bytes:
    """Return the pixels of one image file, in this shape, as prediction reads them."""
    path = tmp_path / name
    path.write_bytes(content)
    return read_images([path], InputSpec(image_shape=shape, max_value=255))[0].reshape(shape)


# --- pixels of one image ---

RGB = RNG.integers(0, 256, (3, 2, 3), np.uint8)
RAMP = RNG.integers(0, 256, (2, 3), np.uint8)
WIDE = np.array([[0, 128, 129], [256, 32768, 65535]], np.uint16)
WIDE_AS_8_BITS = [[0, 0, 1], [1, 128, 255]]  # v / 257, rounded
ALPHA = np.array([[0, 1, 127], [128, 254, 255]], np.uint8)
ON_WHITE = np.rint((RAMP * 1.0 * ALPHA + 255 * (255.0 - ALPHA)) / 255)
PALETTE = np.array([[255, 0, 0], [0, 255, 0], [9, 9, 9]], np.uint8)
SIXTEEN_BIT_ROWS = b"".join(b"\0" + row.astype(">u2").tobytes() for row in WIDE)


def palette_image() -> Image.Image:
    image = Image.frombytes("P", (3, 1), bytes([0, 1, 2]))
    image.putpalette(PALETTE.tobytes())
    return image


def one_bit(values: Any) -> Image.Image:
    return Image.fromarray(np.asarray(values, np.uint8)).convert("1")


def channels_last(values: Any) -> Bytes:
    return np.asarray(values, np.uint8).transpose(1, 2, 0)


#: image file -> its grey pixels (H, W), or its RGB pixels (3, H, W)
CONVERTED: dict[str, tuple[bytes, Any]] = {
    "8-bit grey": (encoded(RAMP), RAMP),
    "grey as RGB": (encoded(RAMP), np.stack([RAMP] * 3)),
    "RGB": (encoded(channels_last(RGB)), RGB),
    "RGB as grey": (encoded([[[255, 0, 0], [0, 255, 0], [0, 0, 255]]]), [[76, 150, 29]]),
    "grey stored as RGB, as grey": (encoded(np.dstack([RAMP] * 3)), RAMP),
    "16-bit grey PNG": (encoded(WIDE, dtype=np.uint16), WIDE_AS_8_BITS),
    "16-bit grey TIFF": (encoded(WIDE, "TIFF", np.uint16), WIDE_AS_8_BITS),
    "16-bit grey TIFF, big-endian": (saved(Image.frombytes("I;16B", (3, 2), WIDE.astype(">u2").tobytes()), "TIFF"),
                                     WIDE_AS_8_BITS),
    "16-bit PGM": (b"P5 3 2 65535\n" + WIDE.astype(">u2").tobytes(), WIDE_AS_8_BITS),
    "12-bit PGM": (b"P5 2 1 4095\n" + np.array([0, 4095], ">u2").tobytes(), [[0, 255]]),
    "16-bit grey with a transparent value": (encoded(WIDE, dtype=np.uint16, transparency=128),
                                             [[0, 255, 1], [1, 128, 255]]),
    "16-bit RGB": (raw_png((1, 2), 16, 2, b"\0" + np.array([0, 257, 32896, 65535, 514, 0], ">u2").tobytes()),
                   [[[0, 255]], [[1, 2]], [[128, 0]]]),
    "2-bit grey": (raw_png((1, 4), 2, 0, b"\0\x1b"), [[0, 85, 170, 255]]),
    "1-bit": (saved(one_bit([[0, 255, 255]])), [[0, 255, 255]]),
    "1-bit TIFF as RGB": (saved(one_bit([[0, 255]]), "TIFF"), [[[0, 255]]] * 3),
    "palette": (saved(palette_image()), PALETTE.T[:, None, :]),
    "palette as grey": (saved(palette_image()), [[76, 150, 9]]),
    "palette GIF": (saved(palette_image(), "GIF"), PALETTE.T[:, None, :]),
    "palette with alpha": (saved(palette_image(), transparency=b"\xff\x80\x00"),
                           [[[255, 127, 255]], [[0, 255, 255]], [[0, 127, 255]]]),
    "palette with a transparent index": (saved(palette_image(), transparency=0),
                                         [[[255, 0, 9]], [[255, 255, 9]], [[255, 0, 9]]]),
    "grey with alpha": (encoded(np.dstack([RAMP, ALPHA])), ON_WHITE),
    "RGB with alpha": (encoded(np.dstack([RAMP, RAMP, RAMP, ALPHA])), np.stack([ON_WHITE] * 3)),
    "RGB with alpha, as grey": (encoded(np.dstack([RAMP, RAMP, RAMP, ALPHA])), ON_WHITE),
    "grey with a transparent value": (encoded([[0, 7, 255]], transparency=7), [[0, 255, 255]]),
    "BMP": (encoded(channels_last(RGB), "BMP"), RGB),
    "WebP without loss": (encoded(channels_last(RGB), "WEBP", lossless=True), RGB),
    "JPEG called .png": (encoded(np.full((2, 2), 99), "JPEG"), np.full((2, 2), 99)),
    "CMYK JPEG": (saved(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG", quality=100),
                  np.repeat([255, 0, 0], 64).reshape(3, 8, 8)),
    "CMYK JPEG as grey": (saved(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG", quality=100), np.full((8, 8), 76)),
    "JPEG of a phone, with a preview": (saved(Image.new("L", (2, 2), 50).convert("RGB"), "MPO", save_all=True,
                                              append_images=[Image.new("RGB", (2, 2))]), np.full((2, 2), 50)),
}  # fmt: skip


@pytest.mark.parametrize("case", CONVERTED)
def test_each_kind_of_image_gives_the_pixels_that_it_shows(tmp_path: Path, case: str) -> None:
    content, expected = CONVERTED[case]
    expected = np.asarray(expected)
    np.testing.assert_array_equal(pixels_of(tmp_path, content, expected.shape), expected)


#: the orientation in EXIF -> how a viewer turns the stored pixels
UPRIGHT: dict[int, Callable[[Any], Any]] = {
    1: lambda a: a,
    2: np.fliplr,
    3: lambda a: np.rot90(a, 2),
    4: np.flipud,
    5: lambda a: a.T,
    6: lambda a: np.rot90(a, -1),
    7: lambda a: np.rot90(a, 2).T,
    8: np.rot90,
}


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("kind", ["PNG", "WEBP", "JPEG", "TIFF"])
def test_the_orientation_of_exif_is_applied(tmp_path: Path, orientation: int, kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = np.kron([[0, 80, 160], [200, 240, 40]], np.ones((8, 8))).astype(np.uint8)
    expected = UPRIGHT[orientation](stored)
    exact = {"lossless": True} if kind == "WEBP" else {"quality": 100} if kind == "JPEG" else {}
    pixels = pixels_of(tmp_path, encoded(stored, kind, exif=exif, **exact), expected.shape)
    assert np.abs(pixels.astype(int) - expected).max() <= (2 if kind == "JPEG" else 0)


NOISE = encoded(RNG.integers(0, 256, (40, 40, 3)))
JPEG = encoded(RNG.integers(0, 256, (40, 40, 3)), "JPEG")
FRAMES = [Image.new("L", (2, 2), value) for value in (0, 9)]
#: image file that is refused -> a part of the message
UNUSABLE: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "empty"),
    "text called .png": (b"not a picture\n", "not a file of"),
    "HTML called .png": (b"<!DOCTYPE html><title>404</title>", "not a file of"),
    "SVG called .png": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a file of"),
    "EPS called .png": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 2 2\n", "not a file of"),
    "truncated PNG": (NOISE[: len(NOISE) // 2], "damaged"),
    "truncated JPEG": (JPEG[: len(JPEG) // 2], "damaged"),
    "PNG with a part of its header": (NOISE[:20], "damaged"),
    "PNG with a changed byte": (NOISE[:300] + bytes([NOISE[300] ^ 1]) + NOISE[301:], "damaged"),
    "two PNG frames": (saved(FRAMES[0], save_all=True, append_images=FRAMES[1:]), "frames"),
    "two GIF frames": (saved(FRAMES[0], "GIF", save_all=True, append_images=FRAMES[1:]), "frames"),
    "two TIFF pages": (saved(FRAMES[0], "TIFF", save_all=True, append_images=FRAMES[1:]), "frames"),
    "32-bit TIFF": (encoded([[1, 2]], "TIFF", np.int32), "mode I"),
    "floating-point TIFF": (encoded([[0.5, 1]], "TIFF", np.float32), "mode F"),
    "16-bit TIFF in which 0 is white": (encoded(WIDE, "TIFF", np.uint16, tiffinfo={262: 0}), "TIFF"),
    "a bomb: 30,000 x 30,000 pixels": (raw_png((30_000, 30_000), 8, 0, b"\0"), "pixels"),
    "a smaller bomb: 10,000 x 10,000 pixels": (raw_png((10_000, 10_000), 1, 0, b"\0"), "pixels"),
}


@pytest.mark.parametrize("case", UNUSABLE)
def test_an_unusable_image_is_refused_and_named(tmp_path: Path, case: str) -> None:
    content, part = UNUSABLE[case]
    message = refusal(lambda: pixels_of(tmp_path, content, (2, 2), "the image.png"))
    assert f"{tmp_path}/the image.png" in message
    assert part in message
    assert "0x" not in message  # addresses in memory


def test_random_damage_is_refused_or_read_but_never_crashes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10_000)  # large images take longer
    contents = [content for content, _ in CONVERTED.values()]
    for number in range(150):
        content = bytearray(contents[number % len(contents)])
        for place in RNG.integers(0, len(content), 1 + number % 4):
            content[place] = RNG.integers(256)
        path = tmp_path / "image"
        path.write_bytes(content[: RNG.integers(1, len(content) + 1)] if number % 3 == 0 else content)
        with suppress(Mismatch):
            read_images([path], InputSpec(image_shape=(4, 4), max_value=255, resized=True))


# --- prediction ---


def test_prediction_resizes_only_if_training_did(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(grey(7, (4, 8)))
    resized = InputSpec(image_shape=(3, 2, 2), max_value=255, resized=True)
    np.testing.assert_array_equal(read_images([path, path], resized), np.full((2, 12), 7))
    message = refusal(lambda: read_images([path], InputSpec(image_shape=(2, 2), max_value=255)))
    assert all(part in message for part in (str(path), "4 pixels high", "8 wide", "2 high and 2 wide"))


def test_prediction_refuses_what_the_network_cannot_take(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(grey(17))
    assert "17" in refusal(lambda: read_images([path], InputSpec(image_shape=(2, 2), max_value=16)))
    assert "features" in refusal(lambda: read_images([path], InputSpec()))
    assert "features" in refusal(lambda: read_images([path], InputSpec(image_shape=(2, 2))))
    assert "4 channels" in refusal(lambda: read_images([path], InputSpec(image_shape=(4, 2, 2), max_value=255)))
    np.testing.assert_array_equal(read_images([path], InputSpec(image_shape=(1, 2, 2), max_value=255)), [[17] * 4])


def test_prediction_and_training_convert_images_equally(tmp_path: Path, found: Callable[..., Found]) -> None:
    photo = encoded(np.kron(RNG.integers(0, 256, (20, 30, 3)), np.ones((16, 16, 1))), "JPEG")
    data = found({**CLASSES, "cat/3.jpg": photo}, size=[5, 4])
    (tmp_path / "photo").write_bytes(photo)
    np.testing.assert_array_equal(read_images([tmp_path / "photo"], data.spec), data.train.x[2:3])


# --- splits and classes ---


def test_class_folders_give_labels_in_the_order_of_names(found: Callable[..., Found]) -> None:
    data = found({"b/z.png": grey(1), "a/2.png": grey(2), "a/10.png": grey(3), "B/1.png": grey(4)}, channels=1)
    assert data.class_names == ("B", "a", "b")
    np.testing.assert_array_equal(data.train.x, np.repeat([[4], [3], [2], [1]], 4, axis=1))
    np.testing.assert_array_equal(data.train.y, [0, 1, 1, 2])
    assert (data.train.x.dtype, data.train.y.dtype, data.test) == (np.uint8, np.uint8, None)
    assert data.spec == InputSpec(image_shape=(2, 2), max_value=255)


def test_colour_images_are_stored_with_the_channel_first(found: Callable[..., Found]) -> None:
    data = found({"a/1.png": encoded(channels_last(RGB)), "b/1.png": encoded(channels_last(RGB[::-1]))})
    assert data.spec.image_shape == RGB.shape
    np.testing.assert_array_equal(data.train.x, [RGB.ravel(), RGB[::-1].ravel()])


def with_prefix(prefix: str, files: Files = CLASSES) -> dict[str, bytes]:
    return {f"{prefix}/{name}": content for name, content in files.items()}


#: folder -> the first pixel of each training image and test image, the class names, and a word of each note
LAYOUTS: dict[str, tuple[dict[str, bytes], list[int], list[int], str, list[str]]] = {
    "class folders": (CLASSES, [1, 2, 3], [], "cat dog", []),
    "one parent": (with_prefix("flowers"), [1, 2, 3], [], "cat dog", []),
    "two parents, and a file next to them": ({**with_prefix("a/b"), "a/x.txt": b"", "a/me.png": grey(9)},
                                             [1, 2, 3], [], "cat dog", ["a/me.png", ".txt"]),
    "train and test": ({**with_prefix("train"), "test/dog/1.png": grey(4)}, [1, 2, 3], [4], "cat dog", []),
    "train and test in a parent": ({**with_prefix("p/Train"), "p/Test/cat/1.png": grey(4)},
                                   [1, 2, 3], [4], "cat dog", []),
    "train only": (with_prefix("train"), [1, 2, 3], [], "cat dog", []),
    "train and val": ({**with_prefix("train"), "val/dog/1.png": grey(4)}, [1, 2, 3], [4], "cat dog", ["val"]),
    "train, valid and test": ({**with_prefix("train"), "valid/dog/1.png": grey(5), "test/dog/1.png": grey(4)},
                              [1, 2, 3], [4], "cat dog", ["valid"]),
    "a test split without classes": ({**with_prefix("train"), "test/1.png": grey(4), "test/2.png": grey(4)},
                                     [1, 2, 3], [], "cat dog", ["test/1.png, test/2.png"]),
    "a folder next to the splits": ({**with_prefix("train"), "test/cat/1.png": grey(4), "more/cat/1.png": grey(5)},
                                    [1, 2, 3], [4], "cat dog", ["more/cat/1.png"]),
    "a class in test only": ({**with_prefix("train"), "test/rat/1.png": grey(4)}, [1, 2, 3], [4], "cat dog rat", []),
    "a class called train": ({**CLASSES, "train/1.png": grey(4)}, [1, 2, 3, 4], [], "cat dog train", []),
    "a class called test": ({**CLASSES, "test/1.png": grey(4)}, [1, 2, 3, 4], [], "cat dog test", []),
    "nested folders in a class": ({**CLASSES, "cat/a/b/0.png": grey(9)}, [1, 2, 9, 3], [], "cat dog", ["cat/a/b"]),
    "an empty class folder": ({**CLASSES, "rat/": b""}, [1, 2, 3], [], "cat dog", ["rat"]),
    "a class folder of other files": ({**CLASSES, "rat/notes.txt": b"?"}, [1, 2, 3], [], "cat dog", [".txt", "rat"]),
    "other files": ({**CLASSES, "README": b"", "cat/a.heic": b"", "cat/b.HEIC": b""}, [1, 2, 3], [], "cat dog",
                    ["2 .heic, 1 no ending"]),
    "upper-case endings": ({"cat/1.PNG": grey(1), "dog/1.JPEG": grey(3)}, [1, 3], [], "cat dog", []),
    "hidden files and those of systems": ({**CLASSES, "cat/.1.png": b"", ".git/a/1.png": b"",
        "__MACOSX/cat/._1.png": b"", ".DS_Store": b"", "cat/Thumbs.db": b"", "dog/desktop.ini": b"",
        "dog/@eaDir/1.png/thumb.jpg": b""},
        [1, 2, 3], [], "cat dog", []),
    "names in many scripts": ({"猫/1.png": grey(1), "قطة/é ü.png": grey(2), "a{b}$<i>/😀.png": grey(3)}, [3, 2, 1], [],
                              "a{b}$<i> قطة 猫", []),
    "names in two normal forms": ({"train/" + unicodedata.normalize("NFD", "é") + "/1.png": grey(1),
        "train/b/1.png": grey(2), "test/é/1.png": grey(3)}, [2, 1], [3], "b é", []),
}  # fmt: skip


@pytest.mark.parametrize("case", LAYOUTS)
def test_each_layout_of_folders_gives_its_splits_and_classes(found: Callable[..., Found], case: str) -> None:
    files, train, test, class_names, notes = LAYOUTS[case]
    data = found(files, channels=1)
    assert list(data.train.x[:, 0]) == train
    assert (list(data.test.x[:, 0]) if data.test else []) == test
    assert data.class_names == tuple(class_names.split())
    *of_files, of_pixels = data.notes
    assert "almost black" in of_pixels  # as these images are
    assert len(of_files) == len(notes)
    assert all(any(word in note for note in of_files) for word in notes)


def test_labels_of_both_splits_use_the_classes_of_both(found: Callable[..., Found]) -> None:
    data = found({"train/a/1.png": grey(1), "train/c/1.png": grey(2), "test/b/1.png": grey(3), "test/c/1.png": grey(4)})
    assert data.test is not None
    assert (list(data.train.y), list(data.test.y)) == ([0, 2], [1, 2])


#: folder that is refused -> parts of the message
REFUSED: dict[str, tuple[dict[str, bytes], list[str]]] = {
    "no images": ({"cat/notes.txt": b""}, ["no image"]),
    "images without class folders": ({"1.png": grey(1), "2.png": grey(2)}, ["class folders"]),
    "train and test without class folders": ({"train/1.png": grey(1), "test/1.png": grey(2)}, ["train", "class"]),
    "one class": ({"cat/1.png": grey(1), "cat/2.png": grey(2)}, ["cat", "2 to 256"]),
    "257 classes": ({f"{number}/1.png": grey(1) for number in range(257)}, ["257", "2 to 256"]),
    "a test split only": (with_prefix("test"), ["test", "folder train"]),
    "two training splits": ({**with_prefix("train"), **with_prefix("training")}, ["train and training"]),
    "images of two sizes": ({**CLASSES, "dog/2.png": grey(1, (2, 3))},
                            ["dog/2.png", "2 pixels high and 3 wide", "2 high and 2 wide", "size"]),
    "three broken files": ({**CLASSES, "cat/0.png": b"", "cat/9.png": b"text", "dog/9.png": NOISE[:999]},
                           ["3 of 6", "cat/0.png", "cat/9.png", "dog/9.png"]),
    "a line break in a name": ({**CLASSES, "cat/a\nb.png": grey(1)}, ["control characters"]),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_folder_that_cannot_be_right_is_refused(found: Callable[..., Found], case: str) -> None:
    files, parts = REFUSED[case]
    message = refusal(lambda: found(files))
    assert all(part in message for part in ("pictures", *parts)), message


# --- size and notes ---


def test_images_are_resized_to_the_given_height_and_width(found: Callable[..., Found]) -> None:
    left_half = np.zeros((40, 80), np.uint8)
    left_half[:, :40] = 200
    data = found({"a/1.png": encoded(left_half), "b/1.png": grey(5, (10, 20))}, size=[2, 4], channels=1)
    assert data.spec == InputSpec(image_shape=(2, 4), max_value=255, resized=True)
    assert np.abs(data.train.x[0].reshape(2, 4)[:, [0, 3]].astype(int) - [200, 0]).max() <= 12  # LANCZOS overshoots
    np.testing.assert_array_equal(data.train.x[1], [5] * 8)
    assert data.notes == ()


def test_a_large_jpeg_is_resized_as_its_png_is(tmp_path: Path) -> None:
    image = Image.fromarray(RNG.integers(0, 256, (12, 8, 3), np.uint8)).resize((64, 96), Image.Resampling.BICUBIC)
    exif = Image.Exif()
    exif[0x0112] = 6
    spec = InputSpec(image_shape=(3, 8, 12), max_value=255, resized=True)
    paths = [tmp_path / "a.jpg", tmp_path / "b.png"]
    for path in paths:
        image.save(path, exif=exif, quality=100)
    jpeg, png = read_images(paths, spec).astype(int)
    assert np.abs(jpeg - png).max() <= 10
    width, height = decode_image(paths[0].read_bytes(), 3, (8, 12)).size
    assert (24, 16) <= (width, height) < image.size[::-1]  # reduced, but not to the size itself


@pytest.mark.parametrize(("options", "values", "note"), [
    ({"size": [2, 2]}, RNG.integers(0, 256, (2, 3, 3)), "aspect ratio"),
    ({}, np.full((2, 2, 3), 200), "channels: 1"),
    ({"channels": 1}, np.full((2, 2), 15), "black"),
    ({"channels": 1}, np.full((2, 2), 16), None),
    ({"channels": 1, "largest": 1}, np.full((2, 2), 1), None),
])  # fmt: skip
def test_unusual_images_are_noted(
    found: Callable[..., Found], options: dict[str, Any], values: Any, note: str | None
) -> None:
    notes = found({"a/1.png": encoded(values), "b/1.png": encoded(values)}, **options).notes
    assert [note in text for text in notes] == [True] * len(notes) if note else notes == ()
    assert bool(notes) == bool(note)


def test_too_many_pixels_for_the_memory_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_memory(*arguments: object) -> Any:
        raise MemoryError

    folder = write_folder(tmp_path, CLASSES)
    monkeypatch.setattr("handgrad.formats.image_folder.np.empty", no_memory)
    assert "size: [H, W]" in refusal(lambda: read(entry_of(), {"images": folder}))


# --- zip files ---


def damaged_member(path: Path) -> None:
    content = path.read_bytes()
    place = content.index(grey(1))
    path.write_bytes(content[: place + 50] + bytes([content[place + 50] ^ 1]) + content[place + 51 :])


def encrypted_flag(path: Path) -> None:
    """Set the flag of encryption of each member, in its local header and in the central directory."""
    content = bytearray(path.read_bytes())
    for magic, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = content.find(magic)
        while place >= 0:
            content[place + offset] |= 1
            place = content.find(magic, place + 1)
    path.write_bytes(content)


def wrong_offset(path: Path) -> None:
    """Move the offset of the central directory, so that members seem to start before the file."""
    content = path.read_bytes()
    path.write_bytes(content[:-6] + struct.pack("<I", 50_000) + content[-2:])


#: zip file that is refused -> the change of a valid one, and a part of the message
BAD_ZIPS: dict[str, tuple[Callable[[Path], object], str]] = {
    "truncated": (lambda path: path.write_bytes(path.read_bytes()[:-30]), "zip"),
    "a tar file": (lambda path: path.write_bytes(b"\x1f\x8b" + bytes(600)), "zip"),
    "empty": (lambda path: path.write_bytes(b""), "zip"),
    "damaged member": (damaged_member, "cat/1.png"),
    "encrypted": (encrypted_flag, "encrypted"),
    "wrong offset": (wrong_offset, "zip"),
    "bzip2": (lambda path: write_zip(path, CLASSES, zipfile.ZIP_BZIP2), "method 12"),
}


@pytest.mark.parametrize("case", BAD_ZIPS)
def test_a_bad_zip_file_is_refused_and_named(tmp_path: Path, case: str) -> None:
    change, part = BAD_ZIPS[case]
    path = write_zip(tmp_path / "pictures", CLASSES, zipfile.ZIP_STORED)
    change(path)
    message = refusal(lambda: read(entry_of(), {"images": path}))
    assert str(path) in message
    assert part in message


def test_random_damage_of_a_zip_file_never_crashes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10_000)
    path = write_zip(tmp_path / "a", CLASSES)
    content = path.read_bytes()
    for _ in range(60):
        damaged = bytearray(content)
        for place in RNG.integers(0, len(content), 6):
            damaged[place] = RNG.choice([0, 255])
        path.write_bytes(damaged)
        with suppress(Mismatch):
            read(entry_of(size=[2, 2]), {"images": path})


@pytest.mark.parametrize(("first", "second"), [("cat/1.png", "cat/1.png"), ("cat/1.png", "cat//1.png")])
def test_a_zip_file_with_two_members_of_one_name_is_refused(tmp_path: Path, first: str, second: str) -> None:
    path = tmp_path / "a.zip"
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w") as archive:
        warnings.simplefilter("ignore")
        archive.writestr(first, grey(1))
        archive.writestr(second, grey(2))
    assert "cat/" in refusal(lambda: read(entry_of(), {"images": path}))


def test_a_zip_file_is_never_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    absolute = write_zip(tmp_path / "a", {"/cat/1.png": grey(1), "dog\\1.png": grey(2)})
    assert read(entry_of(), {"images": absolute}).class_names == ("cat", "dog")
    outside = write_zip(tmp_path / "b", {**CLASSES, "../out.png": grey(1)})
    assert "../out.png" in refusal(lambda: read(entry_of(), {"images": outside}))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zip", "b.zip"]


def test_utf8_names_in_a_zip_are_read_without_their_flag(tmp_path: Path) -> None:
    """Programs such as that of macOS do not set the flag."""
    path = write_zip(tmp_path / "a", {"猫/1.png": grey(1), "dog/1.png": grey(2)})
    with zipfile.ZipFile(path) as archive:
        flagged = [info.flag_bits for info in archive.infolist()]
    assert 0x800 in flagged
    content = bytearray(path.read_bytes())
    for magic, offset in ((b"PK\x03\x04", 7), (b"PK\x01\x02", 9)):
        content[content.find(magic) + offset] &= ~0x08 & 0xFF
    path.write_bytes(content)
    assert read(entry_of(), {"images": path}).class_names == ("dog", "猫")


@pytest.mark.parametrize("write", [write_folder, write_zip])
def test_a_file_larger_than_the_limit_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[..., Path]
) -> None:
    path = write(tmp_path / "a", {**CLASSES, "cat/3.png": bytes(5000)})
    monkeypatch.setattr(file_trees, "MAX_FILE_BYTES", 4999)
    message = refusal(lambda: read(entry_of(), {"images": path}))
    assert "cat/3.png" in message
    assert "4,999" in message


# --- folders on disk ---


def test_links_are_followed_but_not_in_a_loop(tmp_path: Path) -> None:
    other = write_folder(tmp_path / "other", CLASSES)
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "cat").symlink_to(other / "cat")
    (folder / "dog").mkdir()
    (folder / "dog/1.png").symlink_to(other / "dog/1.png")
    assert list(read(entry_of(), {"images": folder}).train.y) == [0, 0, 1]
    (folder / "dog/again").symlink_to(folder)
    assert "dog/again" in refusal(lambda: read(entry_of(), {"images": folder}))


@pytest.mark.parametrize("make", [lambda path: path.symlink_to("absent.png"), os.mkfifo], ids=["broken link", "pipe"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, make: Callable[[Path], None]) -> None:
    folder = write_folder(tmp_path, CLASSES)
    make(folder / "cat/3.png")
    assert "cat/3.png" in refusal(lambda: read(entry_of(), {"images": folder}))


def test_a_name_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, CLASSES)
    (folder / os.fsdecode(b"caf\xe9")).mkdir()
    assert "UTF-8" in refusal(lambda: read(entry_of(), {"images": folder}))


# --- checksum of a folder ---


def test_copies_of_a_folder_have_one_checksum(tmp_path: Path) -> None:
    one = write_folder(tmp_path / "one", {"a/é.png": b"1", "a-b/1.png": b"23", "a/2.JPG": b""})
    other = write_folder(
        tmp_path / "other", {"a/2.JPG": b"", "a-b/1.png": b"23", unicodedata.normalize("NFD", "a/é.png"): b"1"}
    )
    size, sha256 = size_and_sha256(one)
    assert (size, sha256) == size_and_sha256(other)
    assert size == 3
    lines = [
        f"{len(content)} {hashlib.sha256(content).hexdigest()} {name}\n"
        for name, content in (("a/2.JPG", b""), ("a/é.png", b"1"), ("a-b/1.png", b"23"))
    ]
    # another definition would make all recorded checksums invalid
    assert sha256 == hashlib.sha256("".join(lines).encode()).hexdigest()


IGNORED_FILES = (".DS_Store", "a/Thumbs.db", "__MACOSX/a/._1.png", ".git/x.png", "a/notes.txt", "desktop.ini", "new/")


@pytest.mark.parametrize("name", IGNORED_FILES)
def test_ignored_files_do_not_change_the_checksum(tmp_path: Path, name: str) -> None:
    folder = write_folder(tmp_path, {"a/1.png": b"1", "b/1.png": b"2"})
    before = size_and_sha256(folder)
    write_folder(folder, {name: b"new"})
    assert size_and_sha256(folder) == before


CHANGES: dict[str, Callable[[Path], object]] = {
    "content": lambda folder: (folder / "a/1.png").write_bytes(b"3"),
    "contents exchanged": lambda folder: write_folder(folder, {"a/1.png": b"2", "b/1.png": b"1"}),
    "a name": lambda folder: (folder / "a/1.png").rename(folder / "a/2.png"),
    "a class": lambda folder: (folder / "a").rename(folder / "c"),
    "one more": lambda folder: write_folder(folder, {"a/0.png": b""}),
    "one less": lambda folder: (folder / "a/1.png").unlink(),
    "no folder": shutil.rmtree,
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_an_image_or_its_path_is_a_fault(tmp_path: Path, change: str) -> None:
    folder = write_folder(tmp_path / "pictures", {"a/1.png": b"1", "b/1.png": b"2"})
    size, sha256 = size_and_sha256(folder)
    assert file_fault(folder, size, sha256) is None
    CHANGES[change](folder)
    assert file_fault(folder, size, sha256)
