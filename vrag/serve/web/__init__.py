"""Web: the page of the service as plain HTML, CSS and JavaScript modules; a browser runs it as it lies here."""
