"""The hub's settings, read without a hub: they hold what the guide says."""

import json
import os
import re
import sys
from urllib.parse import quote_plus

import pytest
from jupyterlab_server.config import get_page_config

from tests.hub.guide import GUIDE, commands, link
from tests.hub.machine import HUB, PLACE, settings
from tests.support import ROOT

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a hub runs on Linux")


@pytest.fixture
def place(tmp_path):
    (tmp_path / "course").symlink_to(ROOT)
    return tmp_path


def test_a_server_s_environment_is_the_course_s_and_nobody_else_s(place, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    spawner = settings(place).Spawner
    assert not {"PATH", "PYTHONPATH", "http_proxy"} & set(spawner.env_keep)
    assert spawner.environment["RERANK_COURSE_CACHE"] == str(place / "models")
    assert spawner.environment["JUPYTER_PREFER_ENV_PATH"] == "1"
    assert "/nowhere" not in str(spawner.environment) and "proxy" not in str(spawner.environment)


def test_the_place_and_the_port_can_be_chosen(place, monkeypatch):
    monkeypatch.setenv("COURSE_HUB_PORT", "9000")
    hub = settings(place)
    ports = [hub.JupyterHub.bind_url, hub.JupyterHub.hub_bind_url, hub.ConfigurableHTTPProxy.api_url]
    assert ports == [f"http://127.0.0.1:{port}" for port in (9000, 9001, 9002)]
    everything = str(hub)
    assert "/srv" not in everything and everything.count(str(place)) >= 5


def test_lab_has_the_course_s_settings_and_of_nbgrader_what_students_use(place, monkeypatch):
    spawner = settings(place).Spawner
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", spawner.environment["JUPYTER_CONFIG_PATH"])
    (option,) = (text for text in spawner.args if "app_settings_dir" in text)
    folder = option.partition("=")[2]
    assert json.loads((ROOT / "tools/setup/lab_settings/overrides.json").read_text(encoding="utf-8"))
    assert os.path.samefile(folder, ROOT / "tools/setup/lab_settings")
    disabled = {name for name in get_page_config([], folder)["disabledExtensions"] if "nbgrader" in name}
    assert disabled == {
        f"@jupyter/nbgrader:{name}"
        for name in ("course-list", "create-assignment", "formgrader", "validate-assignment")
    }


def test_an_exercise_is_fetched_to_where_lessons_link_to(place, monkeypatch):
    monkeypatch.setenv("HOME", str(place / "home"))
    nbgrader = settings(place, HUB / "settings" / "nbgrader_config.py")
    assert nbgrader.Exchange.root == str(place / "exchange")
    assert nbgrader.Exchange.assignment_dir == str(place / "home" / "reranking-course")
    assert "/exercises " in commands()["Hand out"][0]  # the assignment's name is the folder's


def test_the_proxy_is_pinned():
    package, lock = (
        json.loads((HUB / name).read_text(encoding="utf-8")) for name in ("package.json", "package-lock.json")
    )
    assert lock["packages"][""]["dependencies"] == package["dependencies"]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in package["dependencies"].values())
    assert not [name for name, entry in lock["packages"].items() if name and "integrity" not in entry]


def test_the_guide_says_what_the_settings_say(place):
    assert len(GUIDE.split()) < 600
    spawner = settings(place).Spawner
    assert "4 GB" in GUIDE and "--data=4000000000" in spawner.cmd
    assert "an hour" in GUIDE and "--MappingKernelManager.cull_idle_timeout=3600" in spawner.args
    assert settings(place).PAMAuthenticator.allowed_groups == {"reranking"}
    assert "--groups reranking" in commands()["Accounts"][0]
    for path in re.findall(r"`(classroom/[\w/.]+)`", GUIDE):
        assert (ROOT / path).is_file(), path


def test_the_guide_s_link_is_the_one_that_the_hub_opens_by_itself(place):
    ours = settings(place).Spawner.default_url.replace(quote_plus(str(place)), quote_plus(str(PLACE)))
    assert link() == f"/hub/user-redirect{ours}"
