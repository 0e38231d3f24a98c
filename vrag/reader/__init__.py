"""The reader: a question and passages come in; how well each passage answers the question goes out."""
