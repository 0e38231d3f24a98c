"""Printing: Office files, web pages, text and mail come in, and go out as PDFs that LibreOffice printed."""
