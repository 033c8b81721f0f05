"""How a model gets here, and how it runs."""
