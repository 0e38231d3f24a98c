"""The catalog: what is kept of documents and pages beside their vectors, as records and back."""
