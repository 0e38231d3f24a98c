"""Search: a query and a cascade come in, hits go out."""
