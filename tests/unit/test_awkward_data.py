"""docs/reference/awkward-data.md lists what each awkward input gives. Each row is checked here."""

import gzip
import io
import os
import re
import struct
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from factories import Handgrad

PAGE = Path(__file__).parents[2] / "docs/reference/awkward-data.md"
RNG = np.random.default_rng(0)
N = 20
LABELS = np.arange(N, dtype=np.uint8) % 2

Files = dict[str, bytes]


def csv(header: str, row: str, *, n: int = N, **changed: str) -> Files:
    """Return a CSV file of n rows. ``{i}`` is the row number, ``{y}`` the class. changed: rows by ``row3``."""
    rows = [changed.get(f"row{i}", row).format(i=i, y="ab"[i % 2]) for i in range(n)]
    return {"data.csv": "\n".join([*filter(None, [header]), *rows, ""]).encode()}


def parquet(**columns: Any) -> Files:
    content = io.BytesIO()
    pd.DataFrame({**columns, "label": [*"ab"] * (N // 2)}).to_parquet(content)
    return {"data.parquet": content.getvalue()}


def npz(x: Any, y: Any = LABELS) -> Files:
    content = io.BytesIO()
    np.savez(content, x_train=x, y_train=y)
    return {"data.npz": content.getvalue()}


def idx(labels: Any, ending: str = "-ubyte.gz", *, zipped: bool = True) -> Files:
    x, y = RNG.integers(0, 256, (len(labels), 4, 4), np.uint8), np.asarray(labels, np.uint8)
    files = {}
    for part in ("train", "t10k"):
        for kind, values in (("images-idx3", x), ("labels-idx1", y)):
            content = bytes([0, 0, 8, values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape) + values.tobytes()
            files[f"data/{part}-{kind}{ending}"] = gzip.compress(content) if zipped else content
    return files


def image(mode: str = "RGB", kind: str = "PNG", size: int = 6, **options: Any) -> bytes:
    """Return an image file of random pixels."""
    content = io.BytesIO()
    if mode == "I;16":
        picture = Image.fromarray(RNG.integers(0, 65536, (size, size), np.uint16))
    else:
        picture = Image.fromarray(RNG.integers(0, 256, (size, size, 3), np.uint8)).convert(mode)
    picture.save(content, kind, **options)
    return content.getvalue()


def rotated() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return image(kind="JPEG", exif=exif)


def folder(classes: tuple[str, ...] = ("cat", "dog"), **more: bytes) -> Files:
    """Return a folder of five images a class. more: other files, with ``__`` for ``/``."""
    images = {f"data/{name}/{number}.png": image() for name in classes for number in range(5)}
    return {**images, **{f"data/{name.replace('__', '/')}": content for name, content in more.items()}}


def zip_of(files: Files, parent: str) -> Files:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, data in files.items():
            archive.writestr(name.replace("data", parent, 1), data)
        archive.writestr(f"__MACOSX/{parent}/cat/._0.png", b"x")
    return {"data.zip": content.getvalue()}


KINDS = {
    "16.png": image("I;16"),
    "palette.png": image("P"),
    "alpha.png": image("RGBA"),
    "bit.png": image("1"),
    "cmyk.jpg": image("CMYK", "JPEG"),
    "exif.jpg": rotated(),
}
SHADES = RNG.integers(0, 256, (N, 8, 8, 3), np.uint8)
EMNIST = [*range(1, 27)] * 2
NO_HEADER = ["--option", "header=false"]

#: title of a row of the page -> the files, and the arguments of data add
CASES: dict[str, tuple[Files, list[str]]] = {
    "MNIST as CSV without a header": (csv("", "{i},0,0,7"), []),
    "the same, `header=false`, no label": (csv("", "{i},0,9,0"), NO_HEADER),
    "the same, the last pixel (always 0) as label": (csv("", "{y},{i},9,0"), ["--label", "last", *NO_HEADER]),
    "the same, `--label first`": (csv("", "{y},{i},9,0"), ["--label", "first", *NO_HEADER]),
    "MNIST as CSV with a header": (csv("label,pixel0,pixel1", "{y},{i},0"), []),
    "byte order mark": ({"data.csv": b"\xef\xbb\xbf" + csv("x,label", "0.{i},{y}")["data.csv"]}, []),
    "semicolons and decimal commas": (csv("x;label", "1,{i};{y}"), []),
    "semicolons and decimal commas, with both options": (
        csv("x;label", "1,{i};{y}"),
        ["--option", "separator=';'", "--option", "decimal=','"],
    ),
    "thousands separators": (csv("x,label", '"1,2{i}0",{y}'), []),
    "quoted labels with commas": (csv("x,label", '0.{i},"{y}, {y}"'), []),
    "empty lines at the end": ({"data.csv": csv("x,label", "0.{i},{y}")["data.csv"] + b"\n\n\n"}, []),
    "the header again in the middle": (csv("x,label", "0.{i},{y}", row9="x,label"), []),
    "missing values: NA, empty or ?": (csv("x,z,label", "0.{i},1,{y}", row3="NA,1,a", row4=",?,b"), []),
    "the same, `impute=mean`": (csv("x,label", "0.{i},{y}", row3="NA,a", row4=",b"), ["--option", "impute=mean"]),
    "an index column without a name": (csv(",x,label", "{i},0.5{i},{y}"), []),
    "booleans": (csv("x,flag,label", "0.{i},True,{y}", row3="0,False,a"), []),
    "dates": (csv("when,label", "2020-01-31,{y}"), []),
    "1e400": (csv("x,label", "0.{i},{y}", row3="1e400,a"), []),
    "inf": (csv("x,label", "0.{i},{y}", row3="inf,a"), []),
    "text among numbers": (csv("x,label", "0.{i},{y}", row3="low,a"), []),
    "labels 1.0 and 2.0": (csv("x,label", "0.{i},1.0", row3="5,2.0", row4="6,2.0"), []),
    "one label only": (csv("x,label", "0.{i},a"), []),
    "a number to predict": (csv("x,label", "0.{i},{i}.7", n=300), []),
    "two columns of one name": (csv("x,x,label", "1,{i},{y}"), []),
    "a spreadsheet": ({"data.xlsx": b"PK\3\4"}, []),
    "Parquet: categorical column": (parquet(c=pd.Categorical(["u", "v"] * 10)), []),
    "Parquet: nullable integers, one missing": (parquet(x=pd.array([None, *range(1, N)], "Int64")), []),
    "Parquet: nullable integers, none missing": (parquet(x=pd.array([*range(5, N + 5)], "Int64")), []),
    "Parquet: dates": (parquet(x=pd.date_range("2020-01-01", periods=N)), []),
    "npz: labels of the shape (N, 1)": (npz(RNG.normal(size=(N, 3)), LABELS[:, None]), []),
    "npz: labels of text": (npz(RNG.normal(size=(N, 3)), np.array(["cat", "dog"])[LABELS]), []),
    "npz: object arrays": (npz(np.array([None] * N)), []),
    "npz: nan": (npz(np.full((N, 3), np.nan)), []),
    "npz: channels last": (npz(SHADES), []),
    "npz: channels last, declared as channels first": (npz(SHADES), ["--option", "layout=NCHW"]),
    "npz: four images": (npz(SHADES[:4], LABELS[:4]), []),
    "IDX, not gzipped": (idx(LABELS, "-ubyte", zipped=False), []),
    "IDX, names such as `train-images.idx3-ubyte`": (
        {name.replace("-idx", ".idx"): content for name, content in idx(LABELS, "-ubyte", zipped=False).items()},
        [],
    ),
    "EMNIST letters: labels from 1, transposed": (idx(EMNIST), []),
    "EMNIST letters, with both options": (
        idx(EMNIST),
        ["--option", "label_offset=1", "--option", "transpose=true"],
    ),
    "labels up to 62, of which many never occur": (idx([*range(0, 63, 2)] * 2), []),
    "images of several kinds": ({**folder(), **{f"data/cat/{name}": content for name, content in KINDS.items()}}, []),
    "a truncated image": (folder(cat__bad_png=image()[:80]), []),
    "text called `.png`": (folder(cat__bad_png=b"no image"), []),
    "an image of 0 bytes": (folder(cat__bad_png=b""), []),
    "files of the system: `.DS_Store`, `Thumbs.db`": (
        {**folder(), "data/cat/.DS_Store": b"x", "data/Thumbs.db": b"x"},
        [],
    ),
    "endings in upper case": ({name.replace(".png", ".PNG"): content for name, content in folder().items()}, []),
    "images in folders of a class folder": ({**folder(), "data/cat/more/1.png": image()}, []),
    "a class folder without images": ({**folder(), "data/cow/": b""}, []),
    "a class in the test split only": (
        {**folder(("train/cat", "train/dog")), **folder(("test/cat", "test/dog", "test/cow"))},
        [],
    ),
    "images of several sizes": ({**folder(), "data/cat/x.png": image(size=9)}, []),
    "a zip with a parent folder and `__MACOSX`": (zip_of(folder(), "pictures"), []),
    "class names such as 日本語, {a}, $x, 🐱": (folder(("日本語", "{a}", "$x", "<b>", "🐱")), []),
    "files dated in the future": (folder(), []),
}


#: title of a row -> whether the input is read or refused, and the third column
ROWS = [
    re.fullmatch(r"\| (.*?) +\| (read|refused) +\| (.*?) *\|", line) for line in PAGE.read_text("utf-8").splitlines()
]
EXPECTED = {row[1]: (row[2], row[3]) for row in ROWS if row}


def write(files: Files) -> None:
    for name, content in files.items():
        path = Path(name.replace("_png", ".png"))
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("/"):
            path.mkdir()
        else:
            path.write_bytes(content)


def test_the_page_has_a_row_for_each_case() -> None:
    assert list(EXPECTED) == list(CASES)


@pytest.mark.parametrize("title", CASES)
def test_an_awkward_input_gives_what_its_row_says(handgrad: Handgrad, title: str) -> None:
    files, arguments = CASES[title]
    verdict, words = EXPECTED[title]
    write(files)
    (source,) = Path().iterdir()
    if "future" in title:
        later = time.time() + 3 * 3600
        for path in (source, *source.rglob("*")):
            os.utime(path, (later, later))
    status, out, err = handgrad("data", "add", str(source), *arguments)
    assert status == (verdict == "refused"), out + err
    assert len(err.splitlines()) == status
    for quoted in re.findall(r"`(.+?)`", words):
        assert quoted in (err if status else out), quoted
