"""How likely it is that the index has what was asked for, as one of its pages shows it: 0 to 1.

A score tells pages of one search apart, and no more: the best page of an index that has no answer has a score too. So
each hit is judged by what does not depend on the model that embeds pages:

    cover   sum over the query's terms t of idf(t) * weight(t, page), as a share of the sum of idf(t): the words that
            the page says, as `vrag.cascade.bm25` has them, the rare ones above all
    lacks   the same share of idf(t), of the terms of names alone that neither the page says, nor another hit of its
            document, nor the name of the file
    length  the logarithm of the number of terms: of a long question a page repeats a smaller part
    years   1 where the query and the name of the page's document name years and have none in common, else 0: the report
            of another year says much of the same
    logit   what a cross-encoder has read there, where the cascade reads pages

    relevance = 1 / (1 + exp(-(b0 + b1 * cover + b2 * lacks + b3 * length + b4 * years [+ b5 * logit])))

The numbers b are of a logistic regression over questions of reports and filings, each asked of an index with its
document and of one without (`eval/relevance.py` fits and measures them; docs/reference/relevance.md has the figures).
Where a page or a query has no words, or a query has too many, nothing is known.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from vrag.cascade.bm25 import UNSTEMMED, Bm25Lane
from vrag.catalog.contexts import name_words
from vrag.pages.language import likely_language
from vrag.search.term_worth import TermWorth, term_worth
from vrag.search.wording_shares import AskedWords, years_in
from vrag.store.interface import SparseVector

if TYPE_CHECKING:
    from vrag.search.running import Runner

OF_WORDS = (-3.73, 3.37, -17.52, 1.07, -3.25)  # b0 to b4
OF_READ = (-0.77, 1.44, -22.12, 0.63, -3.25, 0.23)  # b0 to b5, of pages that were read
MOST_TERMS = 200  # of a query that is judged: a server is asked for each of them
_AROUND = "\"'“”„‘’«»()[]{},.?!:;"  # what stands around a word
_ENDS = (".", "?", "!", ":")
BoolArray = npt.NDArray[np.bool_]


class Evidence(NamedTuple):
    """What speaks for a page, see above.

    Args:
        cover: From 0.
        lacks: 0 to 1.
        length: From 0.
        years: 0 or 1.
        logit: None for a page that was not read.
    """

    cover: float
    lacks: float
    length: float
    years: float
    logit: float | None = None

    @property
    def relevance(self) -> float:
        """0 to 1."""
        first, *weights = OF_WORDS if self.logit is None else OF_READ
        seen = [value for value in self if value is not None]
        return 1 / (1 + math.exp(-first - sum(weight * value for weight, value in zip(weights, seen, strict=True))))


class JudgedPage(NamedTuple):
    """A page that is to be judged.

    Args:
        id: Of its record.
        doc_id: Of its document.
        path: Of the document's file.
        logit: What was read there; None where nothing was.
    """

    id: str
    doc_id: str
    path: str
    logit: float | None = None


@dataclass(frozen=True, slots=True)
class QueryTerms:
    """The words of a query.

    Args:
        lane: By which they are read.
        terms: The t terms that it found.
        are_names: bool [t], which belong to words that are written as names are.
        years: That it names.
    """

    lane: Bm25Lane
    terms: SparseVector
    are_names: BoolArray
    years: frozenset[str]

    def is_of_other_years(self, path: str) -> bool:
        """Whether the name of a file names years, and none of the query's, though that names some."""
        of_file = years_in(PurePath(path).stem)
        return bool(self.years and of_file) and self.years.isdisjoint(of_file)

    def said_by(self, words: Sequence[str]) -> BoolArray:
        """Which of the terms are among words: bool [t]."""
        return _among(self.terms, self.lane.query(" ".join(words)))


def query_terms(lane: Bm25Lane, text: str) -> QueryTerms | None:
    """The words of a query; None where they tell nothing of relevance.

    They tell nothing of an index of several languages, nor where the query is in another language than the index: its
    words are then on no page, be they as relevant as can be.

    A name is a word with a capital letter that does not begin a sentence, and has small letters as well. Where most
    words are names, as in a title, none is; nor in German, where every noun has a capital letter.

    Args:
        lane: Of the index.
        text: Of the query.
    """
    if lane.language in UNSTEMMED or likely_language(text.split()) not in (None, lane.language):
        return None
    names, begins = list[str](), True
    for word in text.split():
        bare = word.strip(_AROUND).removesuffix("'s").removesuffix("’s")
        if not begins and bare[:1].isupper() and not bare.isupper() and lane.language != "german":
            names.append(bare)
        begins = word.endswith(_ENDS)
    terms = lane.query(text)
    are_names = _among(terms, lane.query(" ".join(names)))
    are_names = are_names if 2 * are_names.sum() <= len(are_names) else np.zeros_like(are_names)
    return QueryTerms(lane, terms, are_names, AskedWords.of(text).years)


def _among(terms: SparseVector, others: SparseVector) -> BoolArray:
    """Which terms are among others, bool [t]; so few are compared in a tenth of the time of `np.isin`."""
    known = set(others.indices.tolist())
    return np.array([term in known for term in terms.indices.tolist()], np.bool_)


def evidence(query: QueryTerms, found: TermWorth, pages: Sequence[JudgedPage]) -> dict[str, Evidence]:
    """What speaks for the hits of a search, by id of their records; pages without words lack.

    Args:
        query: Its words, at least one.
        found: What they are worth, and weigh on the pages.
        pages: All of the hits.
    """
    said: dict[str, BoolArray] = {}
    for page in (page for page in pages if page.id in found.weights):
        before = said.get(page.doc_id)
        before = query.said_by(name_words(page.path)) if before is None else before
        said[page.doc_id] = before | (found.weights[page.id] > 0)
    worth, all_in_all, length = found.worth, float(found.worth.sum()), math.log(len(found.worth))
    seen = {}
    for page in (page for page in pages if page.id in found.weights):
        lacks = worth[query.are_names & ~said[page.doc_id]].sum()
        cover = worth @ found.weights[page.id]
        years = float(query.is_of_other_years(page.path))
        seen[page.id] = Evidence(float(cover / all_in_all), float(lacks / all_in_all), length, years, page.logit)
    return seen


def relevances(runner: Runner, query: QueryTerms, pages: Sequence[JudgedPage]) -> dict[str, float]:
    """The relevance of hits, by id of their records; those of which nothing is known lack.

    Args:
        runner: Of the query.
        query: Its words.
        pages: All of the hits.
    """
    if not pages or not 0 < len(query.terms.indices) <= MOST_TERMS:
        return {}
    found = term_worth(runner.store, runner.glance, query.terms, [page.id for page in pages], runner.count_pages)
    return {page: seen.relevance for page, seen in evidence(query, found, pages).items()}
