"""Hides a package of this name from the processes that tests start.

Jupyter's libraries and Ray import jsonschema, which imports rfc3987_syntax where it is installed. That takes
two seconds of processor time, in each process, to compile a grammar of addresses which nothing here reads.
jsonschema does without it.
"""

raise ImportError("hidden from processes of tests, which do not need it")
