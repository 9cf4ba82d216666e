"""Labelled pictures: formats in and out, the guidelines, and what training makes of them."""
