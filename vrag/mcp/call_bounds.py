"""What a call of an assistant may take, and what an answer may hold: a model reads all of it."""

from __future__ import annotations

MOST_HITS = 20  # of a search
MOST_SNIPPET = 600  # characters
MOST_TEXT = 20_000  # characters of a page at once
MOST_LISTED = 100  # documents or values at once
MOST_META = 200  # characters of a value of metadata
MOST_START = 10_000_000  # from which an answer can be continued
MOST_PICTURES = 4  # in an answer
MOST_SHOWN = 50  # pages that a call names to be shown
MOST_PICTURE_BYTES = 700_000  # of all in an answer: some hosts drop answers of more than a megabyte of base64
WIDTH, LEAST_WIDTH, MOST_WIDTH = 1000, 100, 2000  # pixels of a picture
MOST_READ = 20  # pages that the tool `ask` shows its model
MOST_NAMED = 1_000  # paths or documents in a call that changes something
MOST_FAILURES = 20  # of an ingest, that an answer tells
LONGEST_NAME = 5_000  # characters of the name of a page or document
MOST_CALLS = 8  # at work at once; the others wait
MOST_BODY = 1 << 20  # bytes of a request by HTTP
MOST_SESSIONS = 100  # of assistants that keep one
SESSION_S = 1800.0  # seconds for which one that says nothing is kept
IDLE_S = 60.0  # seconds without a call, after which an index is closed
