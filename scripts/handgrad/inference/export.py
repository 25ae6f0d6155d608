"""Write the ONNX model of a run, with its model card."""

from pathlib import Path

from handgrad.common.atomic import whole_file
from handgrad.common.errors import HandgradError
from handgrad.inference.find_run import read_run
from handgrad.inference.model_card import model_card
from handgrad.inference.onnx_model import onnx_model
from handgrad.storage.run_reader import read_summary


def export_onnx(name: str, to: Path) -> tuple[Path, Path]:
    """Write the ONNX model of a run and its model card, and return the paths of the run file and of the card.

    name: see ``find_run.run_path``. to: FILE.onnx; the card is FILE.md. Both files are written atomically and replace
    earlier files. Equal runs give equal bytes. Raises HandgradError if the run does not exist or cannot be exported.
    """
    if to.suffix != ".onnx":
        raise HandgradError(f"{to}: expected a name that ends in .onnx; the model card gets the same name with .md")
    path, model = read_run(name)
    content = onnx_model(model).SerializeToString(deterministic=True)
    card = to.with_suffix(".md")
    with whole_file(to) as part:
        part.write_bytes(content)
    with whole_file(card) as part:
        part.write_text(model_card(model, read_summary(path), to.name), encoding="utf-8")
    return path, card
