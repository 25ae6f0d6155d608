"""docs/troubleshooting.md explains every message that the code can show, and no other."""

import re

import pytest
from tests.messages import (
    Message,
    all_messages,
    python_messages,
    python_sources,
    shell_messages,
    unread_mistakes,
)
from tests.troubleshooting import Matcher, complaints, examples, read_page, unexplained

#: errors that say what somebody else has said, whose words are read where they are made: file and class
PASSED_ON = {
    "scripts/handgrad/config.py ConfigError",  # the lines of config_checks and config_errors
    "scripts/handgrad/download.py _Failed",  # an error of the network that nobody foresaw, with its name
    "scripts/handgrad/archive_proof.py HandgradError",  # what is wrong with the file in an archive, after it
    "scripts/verify_archive.py HandgradError",  # the same, after the archive
    "scripts/handgrad/archive_reader.py HandgradError",  # an archive that is too large, after it
    "scripts/prune_results.py ConfigError",  # the same lines as the next, of several files
    "scripts/handgrad/experiment_file.py ConfigError",  # the same lines, after the file
    "workflow/rules/common.smk WorkflowError",  # all that load_experiment raises
}
ERROR = re.compile("Error$|^_Failed$|^Unusable$")

SAMPLE = '''
import sys
from sample_texts import worst

LIMIT = "at most 5"

class Odd(HandgradError):
    def __init__(self, where, found):
        super().__init__(f"{where}: found {found}")

class Why(Exception):
    """Why not."""

def check(path, size, strict):
    hint = "; be quick" if strict else ""
    if size > 5:
        raise HandgradError(f"{path}: {size} bytes, {LIMIT}{hint}")
    if size < 0:
        raise Odd(path, "less than nothing")
    try:
        raise Why("too odd")
    except OSError as error:
        raise ConfigError([f"{path}: {worst(error)}"]) from error
    logger.warning("%s took %.1f s", path, size)
    other_logger.warning(f"{path} is odd")
    logger.info("all is well")
    print("no such luck", file=sys.stderr)

def mistakes(paths) -> Iterator[str]:
    for path in paths:
        yield f"results/{path}.h5"
        yield f"{path}: much too long"
        yield f"{path}: {len(path)} is {path!r}"
        if fault := shape(path):
            yield f"{path}: {fault}"
    yield from (f"{path}: far too short" for path in paths)

def shape(path):
    if not path:
        return None
    return f"too round by {path}"

def advice(paths):
    lines = [f"  {path}" for path in paths]
    return "\\n".join(["Look at:", *lines, f"  and {len(paths)} more"])

if __name__ == "__main__":
    try:
        check("a", 1, True)
    except HandgradError as error:
        sys.exit(f"make sample: {error}")
    sys.exit(advice([]))
'''
SAMPLE_TEXTS = """
def worst(error):
    if error is None:
        return "nothing is wrong"
    return f"cannot be read ({error})"
"""


def sample(source: str = SAMPLE) -> list[Message]:
    texts = {"sample.py": source, "sample_texts.py": SAMPLE_TEXTS}
    return python_messages({"errors.py": "class ConfigError(HandgradError): ...", **texts})


def test_every_message_is_explained_once_and_every_example_is_a_message() -> None:
    if found := complaints(all_messages(), read_page()):
        pytest.fail("\n".join(found), pytrace=False)


def test_the_words_of_every_error_stand_where_it_is_made_or_in_a_function_that_is_called_there() -> None:
    wordless = [message for message in all_messages() if message.passes_on and ERROR.search(message.by)]
    files = {message: f"{message.place.rpartition(':')[0]} {message.by}" for message in wordless}
    assert set(files.values()) >= PASSED_ON, "PASSED_ON names what is no longer there"
    if found := [message.place for message in wordless if files[message] not in PASSED_ON]:
        pytest.fail(
            f"{', '.join(found)}: the words of this error cannot be read from the source, so nobody can tell "
            "whether the page has them; write them in the call, or, if they are somebody else's and the page "
            "has them, add file and class to PASSED_ON",
            pytrace=False,
        )


def test_mistakes_are_told_by_generators_which_are_read() -> None:
    if found := list(unread_mistakes(python_sources())):
        pytest.fail(
            f"{', '.join(found)}: the words of this mistake are not read from the source, so nobody can tell "
            "whether docs/troubleshooting.md has them; yield them in a function of type Iterator[str]",
            pytrace=False,
        )


@pytest.mark.parametrize(
    ("line", "is_unread"),
    [
        ('found.mistakes.append("is odd")', True),
        ('wrong += [f"{path} is odd"]', True),
        ('wrong = [f"is {path}" for path in paths]', True),
        ('return [f"is {path}"], None', True),
        ("wrong.append(line)", False),
        ('mistakes += [f"{path}: {line}" for line in lines]', False),
        ('parts.append("is odd")', False),
    ],
)
def test_a_mistake_that_is_made_where_it_is_not_read_is_found(line: str, is_unread: bool) -> None:
    assert list(unread_mistakes({"a.py": f"\ndef f():\n  {line}"})) == ["a.py:3"] * is_unread
    assert list(unread_mistakes({"a.py": "def file_mistakes() -> list[str]: ..."})) == ["a.py:1"]
    assert list(unread_mistakes({"a.py": "def file_mistakes() -> Iterator[str]: ..."})) == []


def test_a_printed_line_that_the_page_has_not_is_found_behind_any_name() -> None:
    known = ["stands there twice", "'x/a': stands there twice", "a.tar.gz: x: seed is 1, expected 2"]
    strange = ["stands there thrice", "'x/a': is too odd to be read"]
    assert unexplained([*known, *strange]) == strange


def test_messages_are_read_wherever_the_code_makes_them() -> None:
    shown = {message.shown: message.needed for message in sample() if not message.passes_on}
    assert shown == {
        "<...>: <...> bytes, at most 5(; be quick | )": True,
        "<...>: found less than nothing": True,
        "too odd": True,
        "<...>: (cannot be read (<...>) | nothing is wrong)": True,
        "<...> took <...> s": True,
        "<...> is odd": True,
        "all is well": False,
        "no such luck": True,
        "<...>: much too long": True,
        "<...>: <...> is <...>": True,
        "<...>: far too short": True,
        "<...>: (too round by <...> | )": True,
        "Look at:<...>  and <...> more": True,
    }


def test_the_lines_of_messages_are_those_of_the_code() -> None:
    lines = SAMPLE.splitlines()
    for message in sample():
        file, _, line = message.place.partition(":")
        assert file == "sample.py"
        assert message.by.split(".")[-1] in lines[int(line) - 1]


def test_messages_of_shells_and_of_make_are_read() -> None:
    echo = 'x || { echo "$0: $job: not $(cat $(x)) by ${state#* }; $$name" >&2; }'
    source = f'{echo}\na=${{B:?"set by c"}}\necho "$x"\n'
    assert [(message.place, message.shown) for message in shell_messages("a.sh", source)] == [
        ("a.sh:1", "<...>: <...>: not <...> by <...>; <...>"),
        ("a.sh:2", "<...>: line <...>: B: set by c"),
    ]


@pytest.mark.parametrize(
    ("text", "passes_on"),
    [
        ("{error}", True),
        ("make sample: {error}", True),
        ("sample.yaml: {error}", True),
        ("sample.yaml is worse than most: {error}", False),
        ("{path}: {error}", True),
        ("{path}: bad: {error}", False),
    ],
)
def test_what_puts_no_more_than_a_name_before_a_message_passes_it_on(text: str, passes_on: bool) -> None:
    (message,) = python_messages({"a.py": f'HandgradError(f"{text}")'})
    assert message.passes_on is passes_on


PAGE = """
```text
a.txt: 7 bytes, at most 5; be quick
```

Smaller.

```text
a.txt: found less than nothing
a.txt took 3.0 s
a.txt is odd
a.txt: much too long
a.txt: 5 is 'b'
a.txt: far too short
a.txt: too round by 3
Look at:
  b.txt
  and 2 more
```

| message | meaning |
|---|---|
| `too odd` <br> `no such luck` | Bad. |
| `a.txt: nothing is wrong` <br> `` a.txt: cannot be read (`b` \\| c) `` | Worse. |
"""


def test_a_page_that_has_all_messages_passes() -> None:
    assert complaints(sample(), PAGE) == []


def test_an_entry_that_is_gone_is_told_with_the_place_of_its_message_and_what_to_do() -> None:
    (said,) = complaints(sample(), PAGE.replace("a.txt took 3.0 s\n", ""))
    assert said.startswith(
        "sample.py:24: the message '<...> took <...> s' is not in docs/troubleshooting.md; add"
    )


def test_a_message_that_was_changed_is_told_with_both_places() -> None:
    not_of_the_code, not_on_the_page = complaints(sample(SAMPLE.replace("too odd", "too even")), PAGE)
    line = PAGE.splitlines().index("| `too odd` <br> `no such luck` | Bad. |") + 1
    assert not_of_the_code.startswith(
        f"docs/troubleshooting.md:{line}: no message of the code reads like this: 'too odd'"
    )
    assert not_on_the_page.startswith(
        "sample.py:21: the message 'too even' is not in docs/troubleshooting.md; add"
    )


@pytest.mark.parametrize("number", ["4", "5, please"])
def test_a_constant_that_a_message_holds_belongs_to_it(number: str) -> None:
    assert complaints(sample(SAMPLE.replace('"at most 5"', f'"at most {number}"')), PAGE)


def test_a_case_that_no_example_shows_is_told() -> None:
    (said,) = complaints(sample(), PAGE.replace("; be quick\n", "\n"))
    assert "can say '; be quick', and docs/troubleshooting.md:3 does not show that" in said


def test_a_message_that_is_explained_twice_is_told() -> None:
    (said,) = complaints(sample(), PAGE + "\n```text\nb.txt: 8 bytes, at most 5\n```\n")
    assert "is explained at lines 3, 27 of docs/troubleshooting.md; one of them is to go" in said


def test_an_example_belongs_to_the_message_that_leaves_least_of_it_open() -> None:
    general, special = 'HandgradError(f"{a}: {b} is bad")', 'HandgradError(f"{a}: {b} is bad, as {c} is bad")'
    found = python_messages({"a.py": f"{general}\n{special}\n"})
    block = "```text\nx: y is bad, as z is bad\n```\n"
    (said,) = complaints(found, block)
    assert said.startswith("a.py:1: ")


def test_every_example_of_the_page_is_found_by_its_line() -> None:
    lines = read_page().splitlines()
    found = examples(read_page())
    assert len(found) > 100
    for example in found:
        start = example.text.partition("\n")[0]
        assert start in lines[example.line - 1].replace(r"\|", "|")


def test_no_message_is_so_general_that_another_text_would_pass_for_it() -> None:
    for message in all_messages():
        if not message.passes_on and message.needed:
            assert Matcher(message).match("something else altogether") is None, message
