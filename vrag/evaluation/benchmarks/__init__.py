"""Benchmarks: folders, copies and suites come in; documents, questions and their labels go out."""
