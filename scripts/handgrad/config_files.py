"""Configuration files: YAML with its mistakes by line, merged as Snakemake merges.

Snakemake itself names neither the line nor a key that stands twice, hence `make check-config`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from handgrad.config_errors import ConfigError, show


class _Loader(yaml.SafeLoader):
    """A safe loader that remembers keys given twice; YAML would silently keep the last."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.duplicates: list[tuple[Any, int]] = []  # each key again, and the line of the first

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        # Before the merge keys (<<) are resolved, which may well repeat a key.
        first: dict[tuple[str, str], int] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag == "tag:yaml.org,2002:merge":
                continue
            line = key.start_mark.line + 1
            if (key.tag, key.value) in first:
                self.duplicates.append((key, first[key.tag, key.value]))
            first.setdefault((key.tag, key.value), line)
        return super().construct_mapping(node, deep)


def read_config_file(path: str | Path) -> dict[str, Any]:
    """What a YAML file of keys and values holds.

    Raises ConfigError, whose lines begin with the file, if it cannot be read, is no YAML (with line and
    column), has a key twice in one mapping, or holds something else.
    """
    try:
        loader = _Loader(Path(path).read_text(encoding="utf-8"))
        config = loader.get_single_data()
    except yaml.MarkedYAMLError as error:
        raise ConfigError([f"{path}: {_syntax(error)}"]) from error
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read ({error.strerror}); expected a YAML file"]) from error
    except (yaml.YAMLError, ValueError) as error:
        # not UTF-8, a control character, or a date such as 2024-13-01
        raise ConfigError([f"{path}: not YAML: {' '.join(str(error).split())}"]) from error
    if loader.duplicates:
        raise ConfigError(
            [
                f"{path}: line {key.start_mark.line + 1}, column {key.start_mark.column + 1}: the key "
                f"{show(key.value)} stands here again, first on line {first}; only one can count"
                for key, first in loader.duplicates
            ]
        )
    if not isinstance(config, dict):
        what = "is empty" if config is None else f"holds {show(config)}"
        raise ConfigError([f"{path}: {what}; expected keys with values, such as `name: mine`"])
    return config


def _syntax(error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    context = f" ({error.context})" if error.context else ""
    hint = "; indent with spaces, not tabs" if "'\\t'" in str(error.problem) else ""
    return f"{place}not YAML: {error.problem}{context}{hint}"


def merge(config: Mapping[Any, Any], overwrite: Mapping[Any, Any]) -> dict[Any, Any]:
    """The configuration after ``--configfile``: mappings are merged key by key, all else is replaced."""
    merged = dict(config)
    for key, value in overwrite.items():
        old = merged.get(key, {})
        if not isinstance(value, Mapping):
            merged[key] = value
        elif isinstance(old, Mapping):
            merged[key] = merge(old, value)
        elif value:  # an empty mapping replaces nothing, in Snakemake either
            merged[key] = dict(value)
    return merged
