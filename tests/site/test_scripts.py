"""The website's scripts: linted, and typed by their JSDoc."""

import re
import shutil
import subprocess

import pytest

from tests.support import ROOT

SITE = ROOT / "site"
needs_linters = pytest.mark.skipif(
    not (shutil.which("npx") and (SITE / "node_modules" / "eslint").exists()),
    reason="The scripts' linters are not installed: npm ci --prefix site",
)
MODULE = "/** @type {number} */\nexport const count = 'three';\nvar old = count == 3;\n"


@pytest.mark.heavy
@needs_linters
@pytest.mark.parametrize("tool", ["eslint", "tsc"])
def test_scripts_pass(tool):
    run = ask(tool, SITE)
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.heavy
@needs_linters
@pytest.mark.parametrize(("tool", "found"), [("eslint", "no-var"), ("tsc", "TS2322")])
def test_a_bad_script_does_not(tool, found, tmp_path):
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "bad.js").write_text(MODULE, encoding="utf-8")
    for name in ("package.json", "tsconfig.json", "eslint.config.mjs"):
        shutil.copyfile(SITE / name, tmp_path / name)
    (tmp_path / "node_modules").symlink_to(SITE / "node_modules")
    run = ask(tool, tmp_path)
    assert run.returncode != 0 and found in run.stdout


def ask(tool, folder):
    command = ["npx", "--no-install", tool, *([] if tool == "tsc" else ["."])]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, encoding="utf-8")


def test_no_script_asks_anything_of_elsewhere():
    sources = {path.name: path.read_text(encoding="utf-8") for path in (SITE / "src").rglob("*.js")}
    assert len(sources) > 10
    found = {name: re.findall(r"\bhttps?://[^\"'`]*", text) for name, text in sources.items()}
    assert {url for urls in found.values() for url in urls} <= {"http://www.w3.org/2000/svg"}  # only a name


def test_the_lock_names_no_registry():
    assert "://" not in "".join(
        line
        for line in (SITE / "package-lock.json").read_text(encoding="utf-8").splitlines()
        if "resolved" in line
    )
