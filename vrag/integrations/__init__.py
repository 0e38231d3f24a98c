"""Retrievers of other frameworks: a question comes in, pages go out as their documents, with an extra each."""
