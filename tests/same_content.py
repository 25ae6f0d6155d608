"""Compare outputs in the unit tests that Snakemake generates; measured times in the files may differ.

docs/how-to/reuse.md copies this module next to the generated tests, where it replaces their comparison.
"""

import json
import re
from pathlib import Path
from typing import Any

import common  # written by Snakemake, next to the generated tests
import h5py


def content(path: Path) -> Any:
    """Return the reproducible part of a file: all bytes, except for run files, gradient checks and pages."""
    if path.suffix == ".h5" and "runs" in path.parts:
        with h5py.File(path, "r", locking=False) as file:
            return file.attrs["content_sha256"]
    if path.suffix == ".json":
        content = json.loads(path.read_text())
        return {key: value for key, value in content.items() if "seconds" not in key and key != "sha256"}
    if path.name == "summary.html":
        volatile = r'<dt>Trained</dt><dd>.*?</dd>|<div id="costs">.*?</table>'
        page, found = re.subn(volatile, "", path.read_text(), flags=re.DOTALL)
        return page if found == 2 else None
    return path.read_bytes()


class OutputChecker(common.OutputChecker):
    """The checker of Snakemake, which compares only the reproducible part of each file."""

    def compare_files(self, expected_file: Path, generated_file: Path, _cmp_cmds: object) -> None:
        expected = content(expected_file)
        assert expected is not None, expected_file
        assert content(generated_file) == expected, f"{expected_file} differs"
