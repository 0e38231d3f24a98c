"""Pipelines: a TOML table comes in; how pages become named vectors, and how they are searched, goes out."""
