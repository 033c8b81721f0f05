"""A JupyterHub for a class: its settings, and what its teacher runs. docs/hub.md is the guide."""
