"""The website: its pages, the model that runs in them, and a server to look at it."""
