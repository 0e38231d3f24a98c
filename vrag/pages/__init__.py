"""Files become pages: words with boxes, and a picture."""
