"""Pages of an index as corpus ids: by content, and never fewer ids than the corpus has."""

import pytest

from tests.evaluation.tiny import write_rows
from tests.pdfs import write_pdf
from vrag import Index
from vrag.errors import UsageError
from vrag.evaluation.benchmarks.folder import load_benchmark
from vrag.evaluation.runs.corpus import Corpus, digests_of
from vrag.search.hit import Hit


@pytest.fixture(scope="module")
def twins(tmp_path_factory):
    """A corpus in which one page is there twice, under two names; and its index."""
    root = tmp_path_factory.mktemp("twins")
    folder = root / "twins"
    for name in ("a.pdf", "b.pdf"):
        write_pdf(folder / "pdfs" / name, ["The same page about bees."])
    write_pdf(folder / "pdfs" / "c.pdf", ["Another page about oil filters.", "A page that is no part of the corpus."])
    rows = [("x10", "a.pdf"), ("x9", "b.pdf"), ("x1", "c.pdf")]
    write_rows(folder / "corpus.jsonl", [{"corpus-id": i, "doc": d, "page": 1} for i, d in rows])
    write_rows(folder / "queries.jsonl", [{"query-id": "q", "query": "bees"}])
    write_rows(folder / "qrels.jsonl", [{"query-id": "q", "corpus-id": "x10", "score": 1}])
    with Index.create(root / "index") as index:
        index.ingest([folder])
        yield load_benchmark(folder), index


def hit(doc, page, score):
    return Hit(1, score, doc, f"/{doc}", page, {}, "id")


def test_a_page_under_two_ids_is_found_under_both(twins):
    benchmark, index = twins
    corpus = Corpus.match(benchmark, index.documents, digests_of(benchmark))
    ranking = corpus.ranking(index.search("bees", k=3), 10)
    assert list(ranking) == ["x9", "x10", "x1"]  # equal scores: the larger id first, as trec_eval has it
    assert ranking["x9"] == ranking["x10"] > ranking["x1"]
    assert corpus.names["a.pdf"] == corpus.names["b.pdf"]


def test_rankings_are_cut_and_foreign_pages_passed_over(twins):
    benchmark, index = twins
    corpus = Corpus.match(benchmark, index.documents, digests_of(benchmark))
    hits = [hit("c.pdf", 2, 9.0), hit("a.pdf", 1, 3.0), hit("c.pdf", 1, 2.0)]
    assert corpus.ranking(hits, 10) == {"x9": 3.0, "x10": 3.0, "x1": 2.0}
    assert list(corpus.ranking(hits, 1)) == ["x9"]
    assert corpus.ranking([], 5) == {}


def test_documents_of_another_corpus_are_refused(twins):
    benchmark, index = twins
    digests = {**digests_of(benchmark), "c.pdf": "0" * 64}
    with pytest.raises(UsageError, match=r"no part of twins: 1, e\.g\. .*c\.pdf"):
        Corpus.match(benchmark, index.documents, digests)
