"""Write the files that docs/how-to/own-data.md adds."""

import zipfile
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_breast_cancer, load_digits, load_wine

FLOWERS = {"daisy": (240, 240, 230), "lily": (250, 170, 120), "rose": (200, 20, 40), "tulip": (230, 60, 160)}


def write_own_data(folder: Path) -> None:
    """Write a folder and a zip of images, a CSV file, a Parquet file and an npz file."""
    rng = np.random.default_rng(0)
    for name, colour in FLOWERS.items():
        (folder / "flowers" / name).mkdir(parents=True)
        for number in range(50):
            noise = rng.normal(0, 40, (48, 40, 3))
            image = Image.fromarray((noise + colour).clip(0, 255).astype(np.uint8))
            image.save(folder / "flowers" / name / f"{number:02}.png", compress_level=1)
    with zipfile.ZipFile(folder / "photos.zip", "w") as archive:
        for file in sorted((folder / "flowers").rglob("*.png")):
            archive.write(file, Path("photos", *file.parts[-2:]))
    wine = load_wine(as_frame=True).frame.rename(columns={"target": "cultivar"})
    wine.replace({"cultivar": {0: "barolo", 1: "grignolino", 2: "barbera"}}).to_csv(folder / "wines.csv", index=False)
    cells = load_breast_cancer(as_frame=True).frame.rename(columns={"target": "diagnosis"})
    cells.replace({"diagnosis": {0: "malignant", 1: "benign"}}).to_parquet(folder / "cells.parquet")
    digits = load_digits()
    x, y = digits.images.astype(np.uint8), digits.target
    np.savez(folder / "scans.npz", x_train=x[:1437], y_train=y[:1437], x_test=x[1437:], y_test=y[1437:])
