"""Explanations: a query and a page come in; why the page stands where it stands goes out, in words and pictures."""
