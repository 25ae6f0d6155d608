"""A Sphinx extension that measures the sentences of each page and warns about pages that are hard to read."""

import re
from statistics import mean
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging

logger = logging.getLogger(__name__)

#: the largest mean length of the sentences of a page, in words
MAX_WORDS = 18


def sentences(doctree: nodes.document) -> list[str]:
    """Return the sentences of the paragraphs of a page; those of tables and code do not count."""
    texts = (
        paragraph.astext()
        for paragraph in doctree.findall(nodes.paragraph)
        if not any(isinstance(parent, nodes.entry) for parent in ancestors(paragraph))
    )
    return [sentence for text in texts for sentence in re.split(r"(?<=[.!?])\s+(?=[A-Z0-9])", " ".join(text.split()))]


def ancestors(node: nodes.Node) -> list[nodes.Node]:
    """Return the nodes that contain a node."""
    return [] if node.parent is None else [node.parent, *ancestors(node.parent)]


def measure(_: Sphinx, doctree: nodes.document, page: str) -> None:
    """Print the number and the mean length of the sentences of a page."""
    lengths = [len(sentence.split()) for sentence in sentences(doctree)]
    if lengths:
        words = mean(lengths)
        logger.info("%s: %d sentences, %.1f words in the mean, at most %d", page, len(lengths), words, max(lengths))
        if words > MAX_WORDS:
            logger.warning("%s: %.1f words a sentence in the mean, at most %d", page, words, MAX_WORDS)


def setup(app: Sphinx) -> dict[str, Any]:
    """Measure each page before it is written."""
    app.connect("doctree-resolved", measure)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
