"""How the unit tests that Snakemake generates compare files that also say how long something took.

docs/ecosystem.md puts it beside them, in the place of their own comparison.
"""

import json
from pathlib import Path
from typing import Any

import common  # written by Snakemake, beside the generated tests
import h5py


def content(path: Path) -> Any:
    """What a file promises to hold: its bytes, but for runs, checks of gradients and pages of experiments."""
    if path.suffix == ".h5" and "runs" in path.parts:
        with h5py.File(path, "r", locking=False) as file:
            return file.attrs["content_sha256"]
    if path.suffix == ".json":
        content = json.loads(path.read_text())
        return {key: value for key, value in content.items() if "seconds" not in key and key != "sha256"}
    if path.name == "summary.html":
        page, costs, _ = path.read_text().partition('<section id="costs">')
        return page if costs else None
    return path.read_bytes()


class OutputChecker(common.OutputChecker):
    """The same comparison, of what files promise to hold."""

    def compare_files(self, expected_file: Path, generated_file: Path, _cmp_cmds: object) -> None:
        expected = content(expected_file)
        assert expected is not None, expected_file
        assert content(generated_file) == expected, f"{expected_file} differs"
