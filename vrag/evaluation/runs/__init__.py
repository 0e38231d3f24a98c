"""Runs: a task and an index come in, a ranking for every question goes out."""
