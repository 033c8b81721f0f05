"""What the lessons draw, time and play with."""
