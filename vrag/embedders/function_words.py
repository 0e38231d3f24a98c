"""Words that say nothing by themselves, and so get no row of their own on a page.

Their contextual vectors resemble each other on every page, and MaxSim rewards a long page for having many of
them. They are still read as context. Measured with 1,200 pages of reports and slides and 1,500 pages of
10-K filings, NDCG@10 of page MaxSim: 0.527 -> 0.551 and 0.306 -> 0.383, with a third fewer rows.
"""

from __future__ import annotations

_ENGLISH = """
    a an the this that these those
    i me my he she his her it its we our you your they their
    what which who whom how when where why
    of in on at to for from by with as than
    and or not if then there
    is are was were be been being do does did has have had
"""
FUNCTION_WORDS = frozenset(_ENGLISH.split())
