"""Find the splits and classes of a tree of image files.

``train/`` and ``test/`` may surround the class folders, and any number of parent folders may surround all of them.
``val/`` is the test split if there is no ``test/``; otherwise it is left out, because the workflow draws its validation
examples from the training split. Images in nested folders belong to the class of the outer folder.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from handgrad.common.folders import Parts, ending
from handgrad.datasets.inputs import Bytes
from handgrad.formats.containers import Mismatch
from handgrad.formats.file_trees import FileTree

#: folder name, in lower case -> the split that it holds
SPLITS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("test", "testing"), "test"),
    **dict.fromkeys(("val", "valid", "validation"), "val"),
}
MAX_CLASSES = 256  # labels are uint8
_NAMED = 5  # the largest number of files that a message names


@dataclass(frozen=True)
class Layout:
    """The images of each split, sorted by path, and the classes of all splits, sorted by name.

    start: the number of folders around the class folders of a split. notes: sentences for the user.
    """

    train: list[Parts]
    test: list[Parts]
    start: int
    class_names: tuple[str, ...]
    notes: tuple[str, ...]

    def labels(self, images: Sequence[Parts]) -> Bytes:
        """Return the label of each image, uint8 (N,)."""
        label = {name: number for number, name in enumerate(self.class_names)}
        return np.array([label[parts[self.start]] for parts in images], np.uint8)


def find_layout(tree: FileTree) -> Layout:
    """Return which images belong to which split and class. Raises Mismatch if there are no class folders."""
    images = tree.images
    if not images:
        raise Mismatch(tree.path, "no image files", "a folder for each class, with files such as 1.png or 1.jpg")
    parent = _parent(images)
    bases = _split_folders(tree, parent, images)
    start = len(next(iter(bases.values())))
    splits = {
        split: [parts for parts in images if parts[:start] == base and len(parts) > start + 1]
        for split, base in bases.items()
    }
    train, test = splits["train"], splits.get("test", [])
    if not train:
        where = "/".join((str(tree.path), *bases["train"]))
        raise Mismatch(where, "images without class folders", "a folder for each class")
    class_names = tuple(sorted({parts[start] for parts in (*train, *test)}))
    if not 2 <= len(class_names) <= MAX_CLASSES:
        found = f"one class folder only ({class_names[0]})" if len(class_names) == 1 else f"{len(class_names)} classes"
        raise Mismatch(tree.path, found, f"2 to {MAX_CLASSES} class folders")
    notes = (
        *_left_out(tree, splits, start),
        *_nested([*train, *test], start),
        *_empty(tree, set(bases.values()), start, class_names),
    )
    return Layout(train, test, start, class_names, notes)


def _parent(images: Sequence[Parts]) -> Parts:
    """Return the folders around all folders of classes or splits."""
    parent: Parts = ()
    while True:
        below = [parts[len(parent) :] for parts in images if len(parts) > len(parent) + 1]
        tops = {parts[0] for parts in below}
        only_images = all(len(parts) == 2 for parts in below)  # then the folder is a class
        if len(tops) != 1 or only_images or min(tops).lower() in SPLITS:
            return parent
        parent = (*parent, *tops)


def _split_folders(tree: FileTree, parent: Parts, images: Sequence[Parts]) -> dict[str, Parts]:
    """Return {split: its folder}; {"train": parent} if the classes are not in folders of splits.

    ``train`` can be the name of a class. It is a split if all folders next to it are splits, or if no image lies
    directly in it.
    """
    start = len(parent)
    tops = sorted({parts[start] for parts in images if len(parts) > start + 1})
    folders: dict[str, list[str]] = {}
    for top in tops:
        folders.setdefault(SPLITS.get(top.lower(), "other"), []).append(top)
    train = folders.get("train", [])
    direct = any(len(parts) == start + 2 and parts[start] in train for parts in images)
    if "other" in folders and (direct or not train):
        return {"train": parent}
    where = "/".join((str(tree.path), *parent))
    if tops and not train:
        raise Mismatch(where, f"only {', '.join(tops)}", "a folder train")
    for split in ("train", "test", "val"):
        if len(folders.get(split, [])) > 1:
            raise Mismatch(where, f"the folders {' and '.join(folders[split])}", f"one folder for the {split} split")
    named: dict[str, Parts] = {split: (*parent, *names) for split, names in folders.items() if split != "other"}
    if "val" in named and "test" not in named:
        named["test"] = named.pop("val")
    return named or {"train": parent}


def _left_out(tree: FileTree, splits: dict[str, list[Parts]], start: int) -> Iterator[str]:
    """Yield a note for each kind of file that is left out, and on the use of ``val/``."""
    if validation := splits.get("val"):
        yield (
            f"images in {validation[0][start - 1]} are left out ({len(validation):,}): validation examples are drawn "
            "from the training split; to use these images, move them to the training folder"
        )
    elif (test := splits.get("test")) and SPLITS[test[0][start - 1].lower()] == "val":
        yield f"images in {test[0][start - 1]} are the test split"
    images = set(tree.images)
    if outside := sorted(images.difference(*splits.values())):
        names = shorten(["/".join(parts) for parts in outside])
        yield f"images that are not in a class folder are left out ({len(outside):,}): {names}"
    if others := [parts for parts in tree.files if parts not in images]:
        endings = Counter(ending(parts[-1]) or "no ending" for parts in others)
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in endings.most_common())
        yield f"files without the ending of an image are left out: {kinds}"


def _nested(images: Sequence[Parts], start: int) -> Iterator[str]:
    if nested := sorted({parts[start:-1] for parts in images if len(parts) > start + 2}):
        inner, outer = "/".join(nested[0]), nested[0][0]
        yield f"class folders contain folders ({len(nested):,}): for example, images in {inner} are of class {outer}"


def _empty(tree: FileTree, bases: set[Parts], start: int, class_names: Sequence[str]) -> Iterator[str]:
    folders = {parts[start] for parts in tree.folders if len(parts) == start + 1 and parts[:start] in bases}
    if empty := sorted(folders.difference(class_names)):
        yield f"folders without images are not classes: {shorten(empty)}"


def shorten(names: Sequence[str]) -> str:
    """Return the first names as text."""
    return ", ".join([*names[:_NAMED], *["..."] * (len(names) > _NAMED)])
