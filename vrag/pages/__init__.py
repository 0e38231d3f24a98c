"""Pages: files come in; words, geometry and pictures of their pages go out, read by bounded processes."""
