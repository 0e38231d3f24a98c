"""The fleet: pages of documents come in, pages with vectors go out, made by a Ray cluster."""
