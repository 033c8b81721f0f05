"""What ``rerank-course`` does, one module for each command.

Each module has ``add_to(commands)``, its part of the command line, and ``run(options)``, which does the work
and returns the exit code. What takes long to import is imported in ``run``: ``--help`` must not wait for it.
"""
