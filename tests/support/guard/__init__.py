"""A folder for PYTHONPATH: every Python that a test starts loads its sitecustomize.py."""
