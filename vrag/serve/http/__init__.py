"""HTTP: requests of browsers and programs come in, JSON, pictures and files go out."""
