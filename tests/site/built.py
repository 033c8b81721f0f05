"""One website for all tests of a run: whoever needs it first builds it, in whatever process."""

import filelock
import pytest

from tests.support import ROOT
from tools.site import libraries, website

SECONDS = 280  # that another process may take to build it

needs_libraries = pytest.mark.skipif(
    not libraries.are_installed(ROOT / "site"),
    reason="The website's libraries are not installed: npm ci --prefix site",
)


def shared_site(tmp_path_factory):
    """The folder of the website, built from this course."""
    home = tmp_path_factory.getbasetemp()
    if home.name.startswith("popen-"):  # a process of pytest-xdist; the run's folder lies above its own
        home = home.parent
    folder = home / "website" / "_site"
    folder.parent.mkdir(exist_ok=True)
    with filelock.FileLock(home / "website.lock", timeout=SECONDS):
        if not folder.exists():  # it comes into being whole
            website.build(folder)
    return folder
