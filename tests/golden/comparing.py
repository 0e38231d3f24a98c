"""Whether a record is what was expected: text exactly, measured numbers nearly, as another CPU rounds otherwise."""

import re
from itertools import zip_longest

_RELATIVE = 2e-3
_FLOAT = re.compile(r"(?<![\w.])-?\d+(?:\.(\d+)(?:e[+-]?\d+)?|e[+-]?\d+)(?![\w.]*\w)")


def difference(expected: str, found: str) -> str:
    """The first line that differs, in words; empty when none does."""
    pairs = zip_longest(expected.splitlines(), found.splitlines())
    for number, (wanted, got) in enumerate(pairs, 1):
        if wanted is None or got is None or not _same(wanted, got):
            return f"line {number}\nexpected: {wanted}\nfound:    {got}"
    return ""


def _same(wanted: str, got: str) -> bool:
    if _FLOAT.sub("#", wanted) != _FLOAT.sub("#", got):
        return False
    return all(map(_near, _FLOAT.finditer(wanted), _FLOAT.finditer(got)))


def _near(wanted: re.Match[str], got: re.Match[str]) -> bool:
    """Within the tolerance, or one in the last place of a number that was printed with few."""
    decimals = min(len(wanted[1] or ""), 5) or 5
    one, other = float(wanted[0]), float(got[0])
    return abs(one - other) <= max(_RELATIVE * abs(one), 1.001 * 10**-decimals)
