"""Ingest: files come in, records of pages go out to the store."""
