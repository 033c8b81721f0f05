"""A stand-in for the hosted service, for each test that asks for one."""

from tests.support.hosted import answering, running, service  # noqa: F401  (pytest calls them)
