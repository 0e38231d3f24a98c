"""Hostile and odd files, made again from nothing: `make_adversarial` writes them and says what to expect."""

from tests.adversarial.shapes import FILES, PASSWORD, Expectation, make_adversarial

__all__ = ["FILES", "PASSWORD", "Expectation", "make_adversarial"]
