"""Calls of other people's clients. A module runs in its client's own environment, without the course's."""
