"""vrag: a visual document RAG toolkit."""
