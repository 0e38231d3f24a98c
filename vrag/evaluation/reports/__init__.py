"""Reports: results come in; HTML, Markdown, TREC and MTEB files go out."""
