"""Poolings: the many vectors of a page come in; few, each with its sources, go out."""
