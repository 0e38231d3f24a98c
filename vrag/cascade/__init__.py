"""Cascades: a line of text comes in; stages, and the formulas of regions and words, go out."""
