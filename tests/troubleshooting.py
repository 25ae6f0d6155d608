"""The page of messages, docs/troubleshooting.md, and which of its examples is an example of which message.

An example stands in a fenced block of ``text``, in which a line that begins with two spaces continues the one
above, or in a code span in the first cell of a table whose first column is called ``message``. A block or a
row is an entry: what has one explanation.
"""

import functools
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .messages import ROOT, Choice, Message, Text, Words, all_messages, has_words

PAGE = ROOT / "docs/troubleshooting.md"
#: the section of messages that are not ours; tests/workflow/test_troubleshooting.py provokes them
FOREIGN = "Snakemake's own messages"

FENCED = re.compile(r"^```text\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TABLE = re.compile(r"^\| message \|.*\n\|[-| ]+\n((?:\|.*\n)+)", re.MULTILINE)
SPAN = re.compile(r"(`+)(.+?)(?<!`)\1(?!`)")
CELL = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True)
class Example:
    """A message as the page shows it. line, entry: the lines of the page where it and its entry begin."""

    line: int
    text: str
    entry: int


def examples(page: str) -> list[Example]:
    """All examples of our own messages, in the order of the page."""
    ours, _, rest = page.partition(f"\n## {FOREIGN}\n")
    after = rest[rest.find("\n## ") :] if "\n## " in rest else ""
    skipped = page.count("\n") - after.count("\n")
    return [*_examples(ours, 1), *_examples(after, 1 + skipped)]


def foreign_examples(page: str) -> list[Example]:
    """All examples of Snakemake's messages."""
    _, _, rest = page.partition(f"\n## {FOREIGN}\n")
    return list(_examples(rest.partition("\n## ")[0], 1))


def _examples(part: str, first: int) -> Iterator[Example]:
    for block in FENCED.finditer(part):
        line = first + part.count("\n", 0, block.start(1))
        for text in re.finditer(r".*(?:\n  .*)*", block[1].rstrip("\n")):
            if text[0]:
                yield Example(line + block[1].count("\n", 0, text.start()), text[0], line)
    for table in TABLE.finditer(part):
        line = first + part.count("\n", 0, table.start(1))
        for number, row in enumerate(table[1].splitlines(), line):
            for _, span in SPAN.findall(CELL.split(row)[1]):
                yield Example(number, _span_text(span), number)


def _span_text(span: str) -> str:
    spaced = span.startswith(" ") and span.endswith(" ")
    return (span[1:-1] if spaced else span).replace(r"\|", "|")


@dataclass(frozen=True)
class Match:
    """How an example is one of a message.

    words: how many of its characters are not in holes. used: which options of the message it shows.
    """

    message: Message
    words: int
    used: frozenset[Text]


class Matcher:
    """Tells whether a text is an example of a message."""

    def __init__(self, message: Message) -> None:
        self.message = message
        self._options: dict[str, Text] = {}
        self._holes = 0
        self._pattern = re.compile(self._expression(message.text), re.DOTALL)

    @property
    def options(self) -> frozenset[Text]:
        """What the message says in one case and not in another."""
        return frozenset(self._options.values())

    def _expression(self, text: Text) -> str:
        return "".join(map(self._part, text))

    def _part(self, part: object) -> str:
        if isinstance(part, Words):
            return re.escape(part.text)
        if isinstance(part, Choice):
            return f"(?:{'|'.join(map(self._option, part.options))})"
        self._holes += 1
        return f"(?P<hole{self._holes}>.*?)"

    def _option(self, option: Text) -> str:
        if not has_words(option):
            return self._expression(option)
        name = f"option{len(self._options)}"
        self._options[name] = option
        return f"(?P<{name}>{self._expression(option)})"

    def match(self, text: str) -> Match | None:
        """How a text is an example of the message; None if it is not, or has none of its words."""
        found = self._pattern.fullmatch(text)
        if found is None:
            return None
        groups = [name for name, part in found.groupdict().items() if part is not None]
        used = frozenset(self._options[name] for name in groups if name in self._options)
        holes = [found.span(name) for name in groups if name not in self._options]
        if not re.search("[A-Za-z]{2}", _without(text, holes)):
            return None
        return Match(self.message, len(text) - sum(end - begin for begin, end in holes), used)


def _without(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """A text with a line break in place of each of some pieces of it, which are in order."""
    kept, start = [], 0
    for begin, end in spans:
        kept.append(text[start:begin])
        start = end
    return "\n".join([*kept, text[start:]])


def ties(messages: Iterable[Message], shown: Sequence[Example]) -> Mapping[Example, Sequence[Match]]:
    """The message of each example: of those it can be, the one that leaves least open, or all that do."""
    matchers = [Matcher(message) for message in messages if not message.passes_on]
    tied: dict[Example, Sequence[Match]] = {}
    for example in shown:
        found = [match for matcher in matchers if (match := matcher.match(example.text))]
        most = max((match.words for match in found), default=0)
        tied[example] = [match for match in found if match.words == most]
    return tied


def complaints(messages: Sequence[Message], page: str) -> list[str]:
    """What is not as it should be: a line for each, with its place and what to do."""
    shown = examples(page)
    tied = ties(messages, shown)
    entries: dict[Message, set[int]] = defaultdict(set)
    used: set[Text] = set()
    for example, matches in tied.items():
        for match in matches:
            entries[match.message].add(example.entry)
            used |= match.used
    return [
        *_not_of_the_code(tied),
        *(
            line
            for message in messages
            if not message.passes_on
            for line in _of(message, entries[message], used)
        ),
    ]


def _not_of_the_code(tied: Mapping[Example, Sequence[Match]]) -> Iterator[str]:
    for example, matches in tied.items():
        if not matches:
            yield (
                f"docs/troubleshooting.md:{example.line}: no message of the code reads like this: "
                f"{example.text!r}; if it was changed there, change it here, else remove it"
            )


def _of(message: Message, entries: set[int], used: set[Text]) -> Iterator[str]:
    said = f"{message.place}: the message {message.shown!r}"
    if len(entries) > 1:
        lines = ", ".join(map(str, sorted(entries)))
        yield f"{said} is explained at lines {lines} of docs/troubleshooting.md; one of them is to go"
    elif entries:
        for option in Matcher(message).options - used:
            text = Message(message.place, option).shown
            yield (
                f"{said} can say {text!r}, and docs/troubleshooting.md:{min(entries)} does not show that; "
                "add an example in which it does"
            )
    elif message.needed:
        yield (
            f"{said} is not in docs/troubleshooting.md; add an example of it there, in a ```text block or in "
            "a table of messages, with what it means and what to do"
        )


def unexplained(lines: Iterable[str]) -> list[str]:
    """Those of some printed lines that the page does not explain, whatever makes them.

    What others put before a message, such as a file or a member of an archive, ends with a colon and a blank.
    A line of the form ``a is b, expected c`` always is, since one of the messages has no other words.
    """
    return [line for line in lines if not any(m.match(end) for end in _ends(line) for m in _explained())]


def _ends(line: str) -> list[str]:
    return [line, *(line[found.end() :] for found in re.finditer(": ", line))]


@functools.cache
def _explained() -> list[Matcher]:
    """Matchers of the messages that the page has."""
    tied = ties(all_messages(), examples(read_page()))
    return [Matcher(message) for message in {match.message for found in tied.values() for match in found}]


def read_page(path: Path = PAGE) -> str:
    return path.read_text(encoding="utf-8")
