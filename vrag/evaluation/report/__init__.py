"""Reports of an evaluation: Markdown, HTML, TREC runs and mteb results."""
