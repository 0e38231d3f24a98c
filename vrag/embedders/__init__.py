"""Embedders: pages and queries come in, multivectors with their places on the page go out."""
