"""The hub for a class: its settings, and a class that works through it."""
