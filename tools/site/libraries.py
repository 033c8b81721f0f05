"""The website's two JavaScript libraries: from npm, as the lock says, copied into the site.

Where npm is missing, or cannot install, the site is built without its live parts.
"""

import json
import shutil
import subprocess
from pathlib import Path

ORT, TOKENIZERS = "onnxruntime-web", "@huggingface/tokenizers"
# What is taken from each package: (package, file, name in the site). Every server knows what a .js is.
FILES = (
    (ORT, "dist/ort.wasm.min.mjs", "ort.wasm.min.js"),
    (ORT, "dist/ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.js"),
    (TOKENIZERS, "dist/tokenizers.min.mjs", "tokenizers.min.js"),
)
WASM = (ORT, "dist/ort-wasm-simd-threaded.wasm", "ort.wasm")  # 14 MB: the pages keep it as they keep a model
INSTALL = ("ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1")
SECONDS = 300


class NoLibrariesError(Exception):
    """Why the libraries are not there, in one line."""


def install(site: Path) -> None:
    """Install the libraries into ``site/node_modules`` if they are not there as the lock says.

    Raises:
        NoLibrariesError: npm is missing, or failed.
    """
    if are_installed(site):
        return
    npm = shutil.which("npm")
    if npm is None:
        raise NoLibrariesError("npm was not found")
    try:
        run = subprocess.run(
            [npm, *INSTALL], cwd=site, capture_output=True, text=True, encoding="utf-8", timeout=SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoLibrariesError(f"npm could not install its libraries ({type(error).__name__})") from error
    if run.returncode or not are_installed(site):
        said = (run.stderr.strip() or run.stdout.strip() or "no message").splitlines()
        raise NoLibrariesError(f"npm could not install its libraries ({said[0][:120]})")


def are_installed(site: Path) -> bool:
    """Whether both libraries are there, in the lock's versions."""
    locked = json.loads((site / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    return all(
        _version(site, package) == locked[f"node_modules/{package}"]["version"]
        for package in (ORT, TOKENIZERS)
    ) and all((site / "node_modules" / package / file).is_file() for package, file, _ in (*FILES, WASM))


def _version(site: Path, package: str) -> str | None:
    try:
        facts = (site / "node_modules" / package / "package.json").read_text(encoding="utf-8")
        return str(json.loads(facts)["version"])
    except (OSError, ValueError, KeyError):
        return None


def copy(site: Path, target: Path) -> None:
    """Copy what the pages load into ``target``, and a text that names versions and licences."""
    target.mkdir(parents=True, exist_ok=True)
    lines = ["Libraries that the pages load, as their packages hold them:", ""]
    for package, file, name in FILES:
        shutil.copyfile(site / "node_modules" / package / file, target / name)
    for package in (ORT, TOKENIZERS):
        facts = json.loads((site / "node_modules" / package / "package.json").read_text(encoding="utf-8"))
        lines.append(f"{package} {facts['version']}, {facts['license']}")
    (target / "LIBRARIES.txt").write_text("\n".join([*lines, ""]), encoding="utf-8")
