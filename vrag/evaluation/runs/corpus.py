"""The pages of an index as the corpus ids of a benchmark: by content, so that copies and renamed files agree."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from vrag.catalog.documents import Documents
from vrag.errors import UsageError
from vrag.evaluation.benchmarks.benchmark import Benchmark
from vrag.evaluation.numbers.metrics import ranked
from vrag.runtime.file_facts import file_digest
from vrag.search.hit import Hit

PageKey = tuple[str, int]  # document id (SHA-256 of its bytes), page from 1


@dataclass(frozen=True, slots=True)
class Corpus:
    """Which corpus ids each page of the index has.

    Args:
        ids: Corpus ids by page; several where the same picture is in the corpus more than once.
        labels: Document id by the name the index calls it.
        names: The index's name of each of the benchmark's documents.
    """

    ids: Mapping[PageKey, tuple[str, ...]]
    labels: Mapping[str, str]
    names: Mapping[str, str]

    @classmethod
    def match(cls, benchmark: Benchmark, documents: Documents, digests: Mapping[str, str]) -> Corpus:
        """Match a benchmark with the documents of an index.

        Args:
            benchmark: Its documents; those that are not in the index have no hits.
            documents: The index's documents.
            digests: From `digests_of`.

        Raises:
            UsageError: The index has documents that are no part of the benchmark.
        """
        refuse_foreign(benchmark, documents, digests)
        named = documents.labels([document.doc_id for document in documents.all()])
        labels = {name: doc_id for doc_id, (name, _) in named.items()}
        ids: dict[PageKey, tuple[str, ...]] = {}
        for page, corpus_ids in benchmark.ids.items():
            key = (digests[page.doc], page.page)
            ids[key] = (*ids.get(key, ()), *corpus_ids)
        names = {doc_id: name for name, doc_id in labels.items()}
        return cls(ids, labels, {doc: names[digest] for doc, digest in digests.items() if digest in names})

    def ranking(self, hits: Iterable[Hit], depth: int) -> dict[str, float]:
        """Scores by corpus id, best first in trec_eval's order; hits outside the corpus are passed over."""
        scores = {
            corpus_id: hit.score for hit in hits for corpus_id in self.ids.get((self.labels[hit.doc], hit.page), ())
        }
        return {corpus_id: scores[corpus_id] for corpus_id in ranked(scores)[:depth]}


def refuse_foreign(benchmark: Benchmark, documents: Documents, digests: Mapping[str, str]) -> None:
    """Raise `UsageError` when the index has documents that are no part of the benchmark."""
    wanted = set(digests.values())
    foreign = sorted(document.paths[0] for document in documents.all() if document.doc_id not in wanted)
    if foreign:
        raise UsageError(
            f"The index has documents that are no part of {benchmark.name}: {len(foreign)}, e.g. {foreign[0]}.",
            "They would be found in place of the corpus' pages: use an index of the corpus alone.",
        )


def digests_of(benchmark: Benchmark) -> dict[str, str]:
    """SHA-256 of each of the benchmark's documents, by file name."""
    return {doc: file_digest(benchmark.pdfs / doc) for doc in benchmark.docs}
