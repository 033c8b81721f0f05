"""What maintainers and teachers run, as `python -m tools.ROOM.MODULE` in the course's folder."""
