"""The calls of every client, made one after the other against one stand-in."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.interop.environments import (
    NODE_PACKAGES,
    ROOT,
    Environment,
    NotInstalledError,
    prepare,
    prepare_node,
)
from tools.interop.reporting import SETTINGS

CLIENTS = Path(__file__).parent / "clients"
RUN_SECONDS = 300
QUIET = {  # no client is to ask anything of the network, or to report what it did
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "HAYSTACK_TELEMETRY_ENABLED": "False",
    "HF_HUB_OFFLINE": "1",
    "NO_PROXY": "127.0.0.1",
    "no_proxy": "127.0.0.1",
    "PYTHONIOENCODING": "utf-8",
}


@dataclass(frozen=True)
class Row:
    """One call: who made it, what had to come, what came."""

    client: str
    version: str
    call: str
    expected: str
    got: str

    @property
    def ok(self) -> bool:
        return self.got == self.expected


def of_python(environment: Environment, settings: dict) -> Iterator[Row]:
    """The calls of one environment's clients."""
    try:
        prepare(environment)
    except NotInstalledError as error:
        yield from (_not_tried(client, str(error)) for client in environment.clients)
        return
    for client in environment.clients:
        yield from _of_module(client, environment.python, settings)


def of_curl(settings: dict) -> Iterator[Row]:
    """The calls of curl, which needs no environment."""
    if shutil.which("curl"):
        yield from _of_module("curl", Path(sys.executable), settings)
    else:
        yield _not_tried("curl", "curl is not installed")


def of_node(settings: dict) -> Iterator[Row]:
    """The calls of Cohere's TypeScript library."""
    try:
        folder = prepare_node()
    except NotInstalledError as error:
        yield _not_tried("cohere-ai (TypeScript)", str(error))
        return
    for package in NODE_PACKAGES:
        command = ["node", str(CLIENTS / "cohere_sdk.mjs"), str(folder), package]
        yield from _rows(f"{package} (TypeScript)", command, settings)


def _of_module(client: str, python: Path, settings: dict) -> Iterator[Row]:
    yield from _rows(client, [str(python), "-m", f"tools.interop.clients.{client}"], settings)


def _rows(client: str, command: list[str], settings: dict) -> Iterator[Row]:
    """What a client's process wrote, and a row for its end if that was not a good one."""
    environment = {**os.environ, **QUIET, SETTINGS: json.dumps(settings)}
    for name in ("PYTHONPATH", "PYTHONHOME"):
        environment.pop(name, None)
    try:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=environment,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=RUN_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        yield _not_tried(client, f"{type(error).__name__}: {error}"[:200])
        return
    for line in done.stdout.splitlines():
        if line.startswith('{"client"'):  # clients print other things too
            yield Row(**json.loads(line))
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["nothing on standard error"])[-1]
        yield Row(client, "", "its process", "ends with 0", f"ended with {done.returncode}: {last}"[:300])


def _not_tried(client: str, why: str) -> Row:
    return Row(client, "", "all calls", "are tried", f"not tried: {why}")
