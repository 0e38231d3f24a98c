"""Evaluation: a benchmark and an index come in, NDCG and reports go out."""
