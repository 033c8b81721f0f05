"""Set up a machine: install, the lock, the offline folder, and the start of JupyterLab."""
