"""Generate parts of the reference from the code: every config key and every command."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import typer

from handgrad.cli.app import app
from handgrad.experiment.config_schema import config_schema, expected

Schema = Mapping[str, Any]


def config_keys() -> str:
    """Return a section for each mapping of an experiment file, with a table of its keys."""
    return "\n".join((*_mapping(config_schema(), "Top-level keys", ""), *_distributions()))


def _mapping(schema: Schema, title: str, place: str) -> Iterator[str]:
    yield f"## {title}\n\n| key | default | allowed | meaning |\n|---|---|---|---|"
    inner = []
    for key, value in schema["properties"].items():
        one = value["anyOf"][0] if "anyOf" in value else value  # the second form is a list of such values
        default = "required" if key in schema.get("required", ()) else f"`{json.dumps(value['default'])}`"
        allowed = (
            ", ".join(f"`{json.dumps(value)}`".replace('"', "") for value in one["enum"])
            if "enum" in one
            else _cell(expected(one))
        )
        yield f"| `{key}` | {default} | {allowed} | {_cell(value['description'])} |"
        here = f"{place}{key}"
        entry = one.get("items") or one.get("additionalProperties")
        parts = {f"Keys of `{here}`": one, f"Keys of an entry of `{here}`": entry}
        inner += [(part, title, f"{here}.") for title, part in parts.items() if _has_keys(part)]
    yield ""
    for part in inner:
        yield from _mapping(*part)


def _has_keys(schema: Schema | None) -> bool:
    """Return whether a schema has keys with a default. Those of ``exclude`` are the axes again, without defaults."""
    return any("default" in value for value in (schema or {}).get("properties", {}).values())


def _distributions() -> Iterator[str]:
    yield "## Distributions of an axis\n\n| key | allowed | meaning |\n|---|---|---|"
    axes = config_schema()["properties"]["experiments"]["items"]["properties"]
    for axis, name in (("l2", "log_uniform"), ("l2", "uniform"), ("epochs", "int_uniform"), ("l2", "choice")):
        schema = axes[axis]["anyOf"][2]["properties"][name]
        yield f"| `{name}` | {_cell(expected(schema))} | {_cell(schema['description'])} |"
    yield ""


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def commands() -> str:
    """Return a section for each command, with the text of its ``--help``."""
    group = typer.main.get_command(app)
    context = typer.Context(group, info_name="handgrad")
    sections = (section for name, command in group.commands.items() for section in _sections(command, context, name))
    return "\n".join(f"## `{path}`\n\n```text\n{text}\n```\n" for path, text in sections)


def _sections(command: Any, context: typer.Context, name: str) -> Iterator[tuple[str, str]]:
    """Yield the full name and the help of a command, and of the commands in it."""
    inner = typer.Context(command, info_name=name, parent=context, max_content_width=100, terminal_width=100)
    yield inner.command_path, _help(command, inner)
    for below, part in getattr(command, "commands", {}).items():
        yield from _sections(part, inner, below)


def _help(command: Any, inner: typer.Context) -> str:
    return "\n".join(line.rstrip() for line in command.get_help(inner).splitlines()).strip()
