"""Hides a package of this name from the processes of Ray.

Each of them, about ten for a cluster, imports jsonschema, which imports rfc3987_syntax where it is installed,
as it is with Jupyter. That takes two seconds of processor time to compile a grammar of addresses which Ray
never reads. jsonschema does without it.
"""

raise ImportError("hidden from Ray, which does not need it")
