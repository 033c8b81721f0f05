"""One website and one browser for a file, one page for a test; whatever the page complains of fails it."""

import threading

import pytest

from tests.site.built import shared_site
from tests.site.live_page import LivePage, listen
from tests.support.browser import LAPTOP, launch_chromium
from tools.site import serve


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return shared_site(tmp_path_factory)


@pytest.fixture(scope="module")
def address(site):
    """As `make site SERVE=1` serves it."""
    with serve.server(site) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def chromium():
    with launch_chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def context(chromium, address):
    """One for all: what the first page fetches, the others find kept."""
    context = chromium.new_context(viewport=LAPTOP, reduced_motion="reduce")
    yield context
    context.close()


@pytest.fixture
def live(context, address):
    tab = context.new_page()
    tab.set_default_timeout(60_000)
    reported = listen(tab, address)
    yield LivePage(tab, address)
    tab.close()
    assert reported == []
