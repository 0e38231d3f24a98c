"""Answering a question: hits and quotes come in, quotes that were looked for on their pages go out."""
