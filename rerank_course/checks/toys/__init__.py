"""What the checks run on: made-up rankings and texts, and what takes the place of a model or a service."""
