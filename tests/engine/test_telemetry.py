"""No library reports its use to its maker, in a home folder where none has run before."""

import os
import subprocess
import sys

import pytest

IMPORTS = """
import nncf, onnxruntime, openvino
print(type(openvino.tools.ovc.telemetry).__module__)
"""


def left_in(home, code):
    """What the libraries say, and the files that they leave in a home folder: a number for it among them."""
    # No variable of this process: where one says that this is a test, some libraries report nothing anyway.
    kept = {"PATH": os.environ["PATH"], "HOME": str(home), "https_proxy": os.environ["https_proxy"]}
    command = [sys.executable, "-c", code]
    ended = subprocess.run(command, env=kept, capture_output=True, text=True, timeout=300, check=True)
    return ended.stdout.strip(), {path.name for path in home.rglob("*")} - {".cache", "matplotlib"}


@pytest.mark.heavy
@pytest.mark.skipif(sys.platform != "linux", reason="the home folder is another variable elsewhere")
def test_no_library_reports_and_none_keeps_a_number(tmp_path):
    for name in ("quiet", "loud"):
        (tmp_path / name).mkdir()
    said, left = left_in(tmp_path / "quiet", f"import rerank_course\n{IMPORTS}")
    assert said == "openvino.tools.ovc.telemetry_stub" and not left
    said, left = left_in(tmp_path / "loud", IMPORTS)  # without the course: else this test could not fail
    assert said == "openvino_telemetry.main" and {"openvino_ga_cid", "deviceid"} <= left


def test_who_wants_to_report_may(monkeypatch):
    from rerank_course.engine import telemetry

    for name in telemetry.SWITCHES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "1")
    telemetry.switch_off()
    assert os.environ["RAY_USAGE_STATS_ENABLED"] == "1" and os.environ["ORT_DISABLE_TELEMETRY"] == "1"
    assert sys.modules["openvino_telemetry"] is None
