"""The Sobol sequence: points that cover a space more evenly than random points.

It is computed here because scipy.stats takes a second to import, and every job parses the experiment again.
"""

import numpy as np
from numpy.typing import NDArray

BITS = 32
#: For each dimension, the coefficients of its primitive polynomial as bits, and its first direction numbers: the first
#: rows of the file new-joe-kuo-6.21201 of Joe and Kuo, "Constructing Sobol sequences with better two-dimensional
#: projections" (SIAM Journal on Scientific Computing 30, 2008). Never change or reorder rows.
_DIMENSIONS = (
    (0b1, (1,)),
    (0b11, (1,)),
    (0b111, (1, 3)),
    (0b1011, (1, 3, 1)),
    (0b1101, (1, 1, 1)),
    (0b10011, (1, 1, 3, 3)),
    (0b11001, (1, 3, 5, 13)),
    (0b100101, (1, 1, 5, 5, 17)),
    (0b101001, (1, 1, 5, 5, 5)),
    (0b101111, (1, 1, 7, 11, 19)),
    (0b110111, (1, 1, 5, 1, 1)),
    (0b111011, (1, 1, 1, 3, 11)),
    (0b111101, (1, 3, 5, 5, 31)),
    (0b1000011, (1, 3, 3, 9, 7, 49)),
    (0b1011011, (1, 1, 1, 15, 21, 21)),
    (0b1100001, (1, 3, 1, 13, 27, 49)),
)
DIMENSIONS = len(_DIMENSIONS)


def sobol(dimension: int, count: int) -> NDArray[np.uint32]:
    """Return the first points of one dimension as 32-bit fractions, shape (count,), in the order of the Gray code."""
    points, index = np.zeros(count, np.uint32), np.arange(count, dtype=np.uint32)
    gray = index ^ (index >> np.uint32(1))
    for bit, direction in enumerate(_directions(dimension)):
        points ^= np.where(gray >> np.uint32(bit) & np.uint32(1), np.uint32(direction), np.uint32(0))
    return points


def _directions(dimension: int) -> list[int]:
    """Return the direction numbers of a dimension, by the recurrence of its polynomial (equation 3 of the paper)."""
    polynomial, first = _DIMENSIONS[dimension]
    degree = polynomial.bit_length() - 1
    if degree == 0:  # the van der Corput sequence
        return [1 << (BITS - 1 - bit) for bit in range(BITS)]
    found = [number << (BITS - 1 - bit) for bit, number in enumerate(first)]
    while len(found) < BITS:
        new = found[-degree] ^ (found[-degree] >> degree)
        for back in range(1, degree):
            if polynomial >> (degree - back) & 1:
                new ^= found[-back]
        found.append(new)
    return found
