"""Write a registry entry into an experiment file. Comments and all other content of the file stay."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from handgrad.common.atomic import whole_file
from handgrad.common.text_files import read_text
from handgrad.experiment.config import load_experiment
from handgrad.experiment.config_errors import ConfigError
from handgrad.experiment.config_files import MAX_BYTES, read_config, read_config_file

_ORDER = ("format", "local_dir", "files")
_FACTS = "found in the files; `handgrad data add --update {name} --to {file}` writes it again"
_NEW_FILE = """\
# An experiment with the dataset {name}. docs/reference/configuration.md explains all keys.
name: {name}

experiments:
  - dataset: {name}
    pixels: standardize
    batch_gradient: mean
    momentum: 0.9
    schedule: cosine
    init: scaled
    activation: [tanh, relu]
    hidden_units: [50, 200]
    learning_rate: [0.1, 0.3]
    l2: [0.01, 0.1]
    batch_size: {batch_size}
    epochs: 20
    validation_size: {validation_size} # training examples that are held out to select the best run

gradient_check:
  pixels: standardize # with scaled inputs, the step epsilon suits all data

datasets:
"""


@dataclass(frozen=True)
class FileText:
    """An experiment file, which may not exist yet, and the name of the dataset in it."""

    file: Path
    name: str

    def content(self, entry: Mapping[str, Any]) -> str:
        """Return the text of the file; for a new file, an experiment with usual settings."""
        if self.file.exists():
            read_config_file(self.file)  # its messages are stricter than those of ruamel.yaml
            return read_text(self.file, max_bytes=MAX_BYTES)
        held_out = entry["train"] // 5
        batch_size = max(1, min(100, (entry["train"] - held_out) // 4))
        return _NEW_FILE.format(name=self.name, batch_size=batch_size, validation_size=held_out)


def write_entry(text: FileText, entry: Mapping[str, Any]) -> None:
    """Write the entry of a dataset. An existing entry keeps the comments of its keys.

    Raises ConfigError if the experiment would have a mistake; the file is then unchanged.
    """
    yaml = YAML()
    yaml.width = 120
    yaml.preserve_quotes = True  # ruamel.yaml writes YAML 1.2, in which 'no' needs no quotes
    yaml.indent(mapping=2, sequence=4, offset=2)
    written = text.content(entry)
    content = yaml.load(written)
    if content.get("datasets") is None:
        content["datasets"] = CommentedMap()
    old = content["datasets"].setdefault(text.name, CommentedMap())
    for key in [key for key in old if key not in entry]:
        del old[key]
    for key in sorted(entry, key=lambda key: _ORDER.index(key) if key in _ORDER else len(_ORDER)):
        old[key] = _node(entry[key], quoted=key != "format")
    note = _FACTS.format(name=text.name, file=text.file.name)
    if note not in written:
        old.yaml_set_comment_before_after_key("train", before=note, indent=4)
    stream = io.StringIO()
    yaml.dump(content, stream)
    with whole_file(text.file) as part:
        part.write_text(stream.getvalue(), encoding="utf-8")
        try:
            load_experiment(read_config([part]), files=False)  # files of other datasets may have changed as well
        except ConfigError as error:
            lines = [line.removeprefix(f"{part}: ") for line in error.mistakes]
            raise ConfigError([f"{text.file}: {line}" for line in lines]) from error


def _node(value: Any, *, quoted: bool = True) -> Any:
    """Return a value for ruamel.yaml: lists in one line, texts in quotes, so that YAML 1.1 cannot misread them."""
    if isinstance(value, Mapping):
        mapping = CommentedMap((key, _node(item)) for key, item in value.items())
        if all(not isinstance(item, Mapping) for item in value.values()):
            mapping.fa.set_flow_style()
        return mapping
    if isinstance(value, list):
        sequence = CommentedSeq(map(_node, value))
        sequence.fa.set_flow_style()
        return sequence
    return DoubleQuotedScalarString(value) if isinstance(value, str) and quoted else value
