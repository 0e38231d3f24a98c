"""MCP: an assistant's calls of tools come in; pages, their words and their pictures go out."""
