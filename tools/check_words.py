"""Find words that many readers have to decode, in documentation, comments, docstrings and messages.

``make lint`` runs this script. It prints one line for each match and exits with status 1 if there is a match. It does
not check code in Markdown or lines that end with ``words: ok``.
"""

import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
CHECKED = (
    "*.md",
    "*.rst",
    "*.py",
    "*.smk",
    "*.yaml",
    "*.yml",
    "*.cff",
    "*.sh",
    "*.html",
    "*.toml",
    "Makefile",
    "Snakefile",
)
#: a word or phrase, and what to write instead
WORDS = {
    "lest": "so that ... not",
    "mend(s|ed|ing)?": "fix, correct",
    r"(?<!\.)tells?|told|tale": "print, show, say",
    "stands|stood|standing": "is",
    "beside(?! (it|its|them|the (file|log|table|script|CSV|run))\\b)": "compared with, next to, in addition to",
    r"another \w+ than": "different",
    "others than|are others|is another (one )?(from|than)": "different",
    "may go|does not do|do not do": "can be removed, is not supported",
    "so many|as one would": "this many, as usual",
    "what (comes|came)( of)?|what there is": "name it",
    "(?<!at )all but|but for": "except",
    "at work": "running",
    "from time to time": "each time",
    "to (its|their) end": "finished",
    "anew|afresh": "again, new",
    "for ever": "forever",
    "whoever|whatever it|whichever": "who, what, which",
    "goes? on (from|where|with|after)": "continue, resume",
    "in (its|the|their) place": "instead",
    "held against|hold against": "compared with",
    "all the same|likewise|by itself": "still, also, alone",
    "let go|gives? back|takes? away": "close, restore, remove",
    "sees to it": "ensures",
    "thereby|therein|whose(?= own)|hence": "so",
    "of old|as ever|as before": "unchanged",
}
PATTERN = re.compile("|".join(rf"\b(?:{word})\b" for word in WORDS), re.IGNORECASE)


def places() -> Iterator[str]:
    """Yield a line of output for each match in the files that Git tracks."""
    listed = subprocess.run(  # noqa: S603, no shell
        ["git", "ls-files", *CHECKED],  # noqa: S607, the Git of the user
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    for file in listed:
        if file not in ("tools/check_words.py", "CHANGELOG.md"):  # this file lists the words; the changelog is older
            text = (ROOT / file).read_text(encoding="utf-8")
            for number, line in prose(file, text):
                for found in PATTERN.finditer(line):
                    yield f"{file}:{number}: {found[0]!r}: {' '.join(line.split())[:100]}"


def prose(file: str, text: str) -> Iterator[tuple[int, str]]:
    """Yield the number and text of each line to check: in code, only comments and strings."""
    if file.endswith((".py", ".smk")) or file == "Snakefile":
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type in (tokenize.COMMENT, tokenize.STRING):
                yield from enumerate(token.string.splitlines(), token.start[0])
        return
    code = False
    for number, line in enumerate(text.splitlines(), 1):
        code ^= line.lstrip().startswith("```")
        if not code and not line.endswith("words: ok"):
            yield number, line


if __name__ == "__main__":
    sys.exit("\n".join(places()) or 0)
