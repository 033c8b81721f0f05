"""The exercises' checks: not attempted, wrong and why, or right and what to notice.

One module for each exercise, named like it; where it grew, a second stands beside it (``…_mistakes``,
``…_windows``, ``…_calls``). What they share has modules of its own: ``verdict``, ``calling``, ``answers``,
``rankings``, ``models`` and others, and ``toys`` is what they run on.

A check takes the learner's function as an argument and calls it with its own data. It compares with what the
real models give, within what two machines can differ by, and looks for the mistakes that people make, so that
it can name them. Everything in here is public; graded classes run the same checks on data that stands in no
file of the learner's.
"""
