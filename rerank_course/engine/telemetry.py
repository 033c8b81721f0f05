"""Libraries that report their use to their makers are told not to, before any of them is imported.

ONNX Runtime from 1.29 on, OpenVINO, NNCF and Ray report by default: that they were imported, on what machine,
under a number that they keep in the home folder. Their own words: ONNX Runtime's ``Privacy.md``,
https://pypi.org/project/openvino-telemetry and https://docs.ray.io/en/latest/cluster/usage-stats.html.
"""

import os
import sys

SWITCHES = {
    "ORT_DISABLE_TELEMETRY": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
    "HF_HUB_DISABLE_TELEMETRY": "1",  # what libraries on the hub's client may report through it
}


def switch_off() -> None:
    """For this process and those that it starts. A variable that is set already stays as it is."""
    for name, value in SWITCHES.items():
        os.environ.setdefault(name, value)
    # OpenVINO and NNCF have no variable. They do without where this module of theirs cannot be imported.
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
