"""Explorers: a plain function does the work, an ipywidgets layer calls it."""
