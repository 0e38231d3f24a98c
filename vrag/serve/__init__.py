"""Serve: one process that holds an index; requests of many people and programs come in, pages and answers go out."""
