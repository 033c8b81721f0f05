"""How a model gets here and runs fast."""
