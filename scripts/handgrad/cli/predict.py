"""``handgrad predict``: classify examples from files with a trained run."""

import csv
import io
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from handgrad.common.atomic import whole_file
from handgrad.common.errors import HandgradError
from handgrad.inference.find_run import read_run
from handgrad.inference.input_files import Examples, read_examples
from handgrad.inference.predict import Predictions, predict

Result = tuple[Examples, Predictions]


def predict_files(name: str, files: Sequence[Path], *, out: Path | None, as_json: bool) -> None:
    """Write the class and the class probabilities of each example in some files, as CSV or JSON.

    name: see ``find_run.run_path``. out: a file; None prints. Raises HandgradError if the run does not exist, or if a
    file does not fit it; nothing is written then.
    """
    path, model = read_run(name)
    if str(path) != name:
        in_slot = "" if path.stem == model.run.name else f" ({model.run.name})"  # of a search
        print(f"{name}: {path}{in_slot}", file=sys.stderr)
    results: list[Result] = []
    for examples in read_examples(files, model.spec, model.W.W1.shape[1] - 1):
        try:
            results.append((examples, predict(model, examples.x)))
        except HandgradError as error:
            raise HandgradError(f"{examples.file}: {error}") from error
    text = _as_json(results, model.class_names) if as_json else _as_csv(results, model.class_names)
    if out is None:
        print(text, end="")
    else:
        with whole_file(out) as part:
            part.write_text(text, encoding="utf-8", errors="backslashreplace", newline="")


def _rows(results: Sequence[Result], class_names: Sequence[str]) -> Iterator[tuple[str, int, str, list[float]]]:
    """Yield file, row, class and probabilities; float32 numbers keep their short decimal form."""
    for examples, found in results:
        for row, (label, Y) in enumerate(zip(found.labels, found.probabilities, strict=True)):
            yield str(examples.file), row, class_names[label], [float(str(p)) for p in Y]


def _as_csv(results: Sequence[Result], class_names: Sequence[str]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["file", "row", "class", *(f"probability_{name}" for name in class_names)])
    writer.writerows((*row, *probabilities) for *row, probabilities in _rows(results, class_names))
    return text.getvalue()


def _as_json(results: Sequence[Result], class_names: Sequence[str]) -> str:
    rows: list[dict[str, Any]] = [
        {"file": file, "row": row, "class": name, "probabilities": dict(zip(class_names, probabilities, strict=True))}
        for file, row, name, probabilities in _rows(results, class_names)
    ]
    return f"{json.dumps(rows, indent=2, ensure_ascii=False, allow_nan=False)}\n"
