"""Sizes and times as text."""

import pytest

from handgrad.common.formatting import duration_text, size_text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (999_949, "999.9 kB"),
        (31_400_000_000, "31.4 GB"),
        (5 * 10**15, "5.0 PB"),
    ],
)
def test_sizes_have_a_suitable_unit(count: int, text: str) -> None:
    assert size_text(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (250, "4 min 10 s"),
        (3600, "1 h"),
        (7500, "2 h 5 min"),
        (273_600, "3 d 4 h"),
    ],
)
def test_times_have_at_most_two_units(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text
