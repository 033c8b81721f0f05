"""One JupyterLab for all tests here in a process, one browser for each file, one page for each test.

The browser cannot stay for longer: while it is open, no asyncio.run() works in this process.
"""

import pytest

from tests.browser.pages import MILLISECONDS
from tests.support.browser import LAPTOP, jupyterlab, launch_chromium


@pytest.fixture(scope="package")
def lab(tmp_path_factory):
    with jupyterlab(tmp_path_factory.mktemp("lab")) as running:
        yield running


@pytest.fixture(scope="module")
def context():
    with launch_chromium() as browser:
        yield browser.new_context(viewport=LAPTOP, permissions=["clipboard-read", "clipboard-write"])


@pytest.fixture
def page(lab, context):
    from playwright.sync_api import expect

    page = context.new_page()
    page.set_default_timeout(MILLISECONDS)
    expect.set_options(timeout=MILLISECONDS)
    yield page
    page.close()
    lab.tidy()
