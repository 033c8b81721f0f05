"""`make bench`: how fast the course's engines are, beside the libraries that people would pick instead."""
