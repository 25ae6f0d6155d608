"""Describe each mistake in a configuration in one line: ``<key>: found <value>, expected <what>; <what to do>``."""

import difflib
import re
from collections.abc import Iterable, Sequence

from handgrad.common.errors import HandgradError
from handgrad.experiment.config_hints import parts_of_list

_LONGEST = 80  # characters of a value that a message shows
#: Python text of a value -> YAML text
_YAML = {"None": "null", "True": "true", "False": "false", "nan": ".nan", "inf": ".inf", "-inf": "-.inf"}

#: names that other programs use for an axis -> the axis
_SYNONYMS = {
    **dict.fromkeys(("lr", "eta", "rate", "step_size", "learningrate"), "learning_rate"),
    **dict.fromkeys(("lambda", "weight_decay", "penalty", "regularization"), "l2"),
    **dict.fromkeys(("hu", "m", "hidden", "hidden_size", "units", "width", "neurons"), "hidden_units"),
    **dict.fromkeys(("af", "act", "activation_function", "nonlinearity"), "activation"),
    **dict.fromkeys(("bs", "b", "batch", "batchsize", "minibatch"), "batch_size"),
    **dict.fromkeys(("ep", "n_epochs", "num_epochs", "iterations"), "epochs"),
    **dict.fromkeys(("gradient", "reduction"), "batch_gradient"),
    **dict.fromkeys(("train", "n_train", "training_size"), "train_size"),
    **dict.fromkeys(("validation", "val_size", "n_validation"), "validation_size"),
    **dict.fromkeys(("random_state", "random_seed"), "seed"),
    **dict.fromkeys(("lr_schedule", "scheduler"), "schedule"),
}


class ConfigError(HandgradError):
    """All mistakes of a configuration, one on each line."""

    def __init__(self, mistakes: Sequence[str]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(self.mistakes))


def mistake(path: Iterable[object], found: object, expected: str, remedy: str = "") -> str:
    """Return the line for a wrong value. path: the keys that lead to the value."""
    line = f"{key_path(path)}: found {show(found)}, expected {expected}"
    return f"{line}; {remedy}" if remedy else line


def unknown(path: Iterable[object], found: object, known: Iterable[str], *, many: bool = False) -> str:
    """Return the line for an unknown name. many: whether a list of names is allowed."""
    known = list(known)
    parts = parts_of_list(found) if many and isinstance(found, str) else []
    as_list = len(parts) > 1 and not set(known).isdisjoint(parts)
    hint = f"write [{', '.join(parts)}] for a list" if as_list else did_you_mean(found, known)
    return mistake(path, found, f"one of {', '.join(map(word, known)) or 'none'}", hint)


def did_you_mean(value: object, known: Iterable[str]) -> str:
    """Return ``did you mean tanh?``, or an empty text if no known name is similar."""
    names = {name.lower(): name for name in known}
    text = str(value).lower().replace("-", "_")
    near = [_SYNONYMS.get(text, ""), *difflib.get_close_matches(str(value).lower(), names, 1)]
    meant = next((names[name] for name in near if name in names), None)
    return f"did you mean {word(meant)}?" if meant else ""


def key_path(parts: Iterable[object]) -> str:
    """Return the key path of a value: ``experiments[1].learning_rate``."""
    text = "".join(f"[{part}]" if type(part) is int else f".{word(part)}" for part in parts)
    return text.removeprefix(".") or "the configuration"


def word(name: object) -> str:
    """Return a name, in quotes if it contains blanks, line breaks or other special characters."""
    return name if isinstance(name, str) and re.fullmatch(r"[\w-][\w.-]*", name) else show(name)


def show(value: object) -> str:
    """Return a value as one line of text; a long text is cut."""
    text = _YAML.get(repr(value), repr(value))
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "..."
