"""The front door: names that lessons import from the package itself, each loaded when it is first used."""

import ast
import importlib
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile

import pytest

import rerank_course
from tests.support import ROOT

STUB = "rerank_course/__init__.pyi"
HEAVY_LIBRARIES = {"torch", "numpy", "pandas"}
START = f"""
import sys, time
began = time.perf_counter()
import rerank_course
print(time.perf_counter() - began, *{HEAVY_LIBRARIES} & set(sys.modules))
"""
FROM_A_WHEEL = """
import rerank_course
print(rerank_course.__file__, rerank_course.__version__, len(rerank_course.load_corpus("handbook").queries))
"""


def offered() -> dict[str, tuple[str, str]]:
    """{name: (module, name there)}, as the stub says; no name there stands for the module itself."""
    names = {}
    for node in ast.parse((ROOT / STUB).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                module = f"rerank_course.{node.module or alias.name}"
                names[alias.asname or alias.name] = (module, alias.name if node.module else "")
    return names


def python(code, folder, **variables):
    command = [sys.executable, "-c", code]
    environment = {**os.environ, **variables}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=True
    ).stdout.split()


def test_it_opens_at_once_and_without_heavy_libraries():
    seconds = []
    while len(seconds) < 10 and min(seconds, default=1) > 0.3:  # other work on the machine can slow one down
        took, *imported = python(START, ROOT)
        assert imported == []
        seconds.append(float(took))
    assert min(seconds) < 0.3


@pytest.mark.parametrize("name", offered())
def test_each_name_is_the_one_of_its_module(name):
    module, there = offered()[name]
    module = importlib.import_module(module)
    assert getattr(rerank_course, name) is (getattr(module, there) if there else module)


def test_it_lists_what_it_offers_and_nothing_else():
    assert len(offered()) > 15
    assert set(dir(rerank_course)) == set(rerank_course.__all__) == set(offered())
    with pytest.raises(AttributeError, match="no_such_name"):
        rerank_course.no_such_name  # noqa: B018
    with pytest.raises(ImportError, match="no_such_name"):
        exec("from rerank_course import no_such_name")


def test_the_list_and_the_data_are_among_what_is_packaged():
    packaged = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    assert "*.pyi" in packaged["package-data"]["rerank_course"]
    assert "data/**/*" in packaged["package-data"]["rerank_course.texts"]
    assert "*.html" in packaged["package-data"]["rerank_course.learner"]
    assert "data/*.json" in packaged["package-data"]["rerank_course.finetune"]


@pytest.mark.heavy
def test_it_opens_from_a_wheel_too(tmp_path):
    source, unpacked = tmp_path / "source", tmp_path / "unpacked"
    leave_out = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "rerank_course", source / "rerank_course", ignore=leave_out)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet"]
    command = [sys.executable, "-m", "pip", "wheel", *options, "--wheel-dir", str(tmp_path), str(source)]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        assert {STUB, "rerank_course/texts/data/handbook/qrels/test.tsv"} <= set(archive.namelist())
        archive.extractall(unpacked)
    file, version, queries = python(FROM_A_WHEEL, tmp_path, PYTHONPATH=str(unpacked))
    assert file == str(unpacked / "rerank_course" / "__init__.py")
    assert version == rerank_course.__version__ and int(queries) > 50
