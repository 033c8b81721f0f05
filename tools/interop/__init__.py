"""Other people's programs, tried against the stand-in: ``make interop``.

Each client gets the environment that it asks for, in the folder ``.interop``. The calls stand in ``clients``,
each with what it has to give.
"""
