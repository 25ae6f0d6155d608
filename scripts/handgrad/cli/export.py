"""``handgrad export``: write the ONNX model of a run."""

from pathlib import Path

from handgrad.inference.export import export_onnx


def export_run(name: str, onnx: Path) -> None:
    """Write the ONNX model of a run and its model card. name: see ``find_run.run_path``."""
    path, card = export_onnx(name, onnx)
    print(f"Run: {path}")
    print(f"Written: {onnx}")
    print(f"Written: {card}")
