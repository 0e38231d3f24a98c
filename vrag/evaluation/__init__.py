"""Evaluation: benchmarks, the numbers of trec_eval, and how far those numbers can be trusted."""
