"""`rerank-course doctor`: what it checks, and what it says of each."""

import json
import os
import shutil
import subprocess
import sys
from importlib import metadata

import pytest

from rerank_course.__main__ import main
from rerank_course.learner import doctor, packages
from rerank_course.models import CATALOGUE, DEFAULT_HOSTED
from tests.support import ROOT


@pytest.mark.heavy
def test_doctor_prints_a_line_for_each_requirement_and_a_first_rerank(capsys):
    assert main(["doctor"]) == 0
    out = capsys.readouterr().out
    for line in metadata.requires("rerank-course"):
        if "extra ==" in line and not any(f'extra == "{name}"' in line for name in packages.LEARNERS):
            continue
        name = line.split(">")[0].split("=")[0].split("<")[0].strip()
        assert any(row.startswith(f"OK    {name}") for row in out.splitlines()), name
    ranked = out[out.index("first rerank") :].splitlines()
    assert "What is the reimbursement limit?" in ranked[0]
    assert "up to $500 without pre-approval" in ranked[1]
    assert "FAIL" not in out and "All" in out.splitlines()[-1]


def test_doctor_names_what_fails_and_goes_on(monkeypatch, capsys, loaded_once):
    real = metadata.version

    def version(name):
        return {"torch": "1.0", "numpy": None}.get(name, real(name)) or missing(name)

    monkeypatch.setattr(packages.metadata, "version", version)
    assert main(["doctor"]) == 1
    out = capsys.readouterr().out
    assert "FAIL  torch<2.14,>=2.13: 1.0 is installed. Run: pip install -r requirements.txt" in out
    assert "FAIL  numpy<3,>=2: not installed" in out
    assert "OK    first rerank" in out and "2 of " in out.splitlines()[-1]


@pytest.mark.parametrize("in_course", [True, False])
def test_doctor_demands_what_this_installation_is_for(monkeypatch, capsys, loaded_once, in_course):
    lines = [
        "no-such-plain>=1",
        'no-such-lab==2; extra == "lessons"',
        'no-such-engine==2; extra == "int8"',
        'no-such-grader==2; extra == "grading"',
        'no-such-cluster[data]==3; extra == "ray"',
        'no-such-here==4; python_version < "3"',
    ]
    monkeypatch.setattr(packages.metadata, "requires", lambda name: lines)
    monkeypatch.setattr(packages, "in_course_folder", lambda: in_course)
    assert not doctor.run_doctor()
    out = capsys.readouterr().out
    failed = {line.split(":")[0].split()[1] for line in out.splitlines() if line.startswith("FAIL")}
    needed = {"no-such-lab==2", "no-such-engine==2"}
    assert failed == {"no-such-plain>=1"} | (needed if in_course else set())
    assert ("Jupyter kernel" in out) == in_course == ("int8 engine" in out)
    assert "no-such-grader" not in out and "no-such-here" not in out
    offered = out[out.index("Not installed, and only needed for:") :]
    several = (
        'reranking on several machines, rerank_run(engine="ray"): pip install "no-such-cluster[data]==3"'
    )
    assert several in offered
    assert ('load_reranker(backend="int8"): pip install "no-such-engine==2"' in offered) != in_course
    remedy = "-r requirements.txt" if in_course else '"no-such-plain>=1"'
    assert f"not installed. Run: pip install {remedy}" in out


BROKEN = {
    "a syntax error": ("def broken(:", "SyntaxError: invalid syntax"),
    "a missing library": (
        "from numpy._core import _multiarray_umath",
        "ModuleNotFoundError: No module named 'numpy._core'",
    ),
    "a long story": ("raise ImportError('\\n\\nbad build\\nread on')", "ImportError: bad build"),
}


@pytest.mark.heavy
@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_package_is_the_doctor_s_line_and_no_traceback(tmp_path, kind):
    """A numpy that does not load, found before the real one, in a process of its own."""
    content, said = BROKEN[kind]
    (tmp_path / "numpy").mkdir()
    (tmp_path / "numpy" / "__init__.py").write_text(content, encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}

    def run(*words):
        command = [sys.executable, "-m", "rerank_course", *words]
        return subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, encoding="utf-8"
        )

    found = run("doctor")
    assert found.returncode == 1 and "Traceback" not in found.stdout + found.stderr
    first = next(line for line in found.stdout.splitlines() if line.startswith("FAIL"))
    assert first.startswith(f"FAIL  numpy<3,>=2: {said}")
    assert first.endswith(f"it comes from {tmp_path}, where PYTHONPATH points. Unset PYTHONPATH.")
    assert "FAIL  first rerank: " in found.stdout and "checks failed. Mend the first one" in found.stdout
    other = run("rerank", "a question", "README.md")
    assert other.returncode == 2 and "Traceback" not in other.stderr
    assert "a package is missing or broken" in other.stderr and "rerank_course doctor" in other.stderr


@pytest.mark.heavy
def test_what_opens_the_front_door_may_be_broken_too(tmp_path):
    (tmp_path / "lazy_loader.py").write_text("import a_package_that_is_missing\n", encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}

    def run(*words):
        command = [sys.executable, *words]
        return subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, encoding="utf-8"
        )

    found = run("-m", "rerank_course", "doctor")
    assert found.returncode == 1 and "Traceback" not in found.stdout + found.stderr
    (line,) = (line for line in found.stdout.splitlines() if line.startswith("FAIL  lazy-loader"))
    assert "No module named 'a_package_that_is_missing'" in line and str(tmp_path) in line
    name = run("-c", "from rerank_course import load_reranker").stderr.splitlines()[-1]
    assert name.startswith("ImportError: rerank_course.load_reranker cannot be loaded: ModuleNotFoundError")
    assert name.endswith("python -m rerank_course doctor")
    assert run("-c", "from rerank_course import text; import rerank_course.rerank").returncode == 0


def test_a_package_of_this_installation_that_does_not_load_says_how_to_mend_it(monkeypatch):
    def fail(name):
        raise ImportError("\nlong story") from ModuleNotFoundError("No module named 'numpy._core.x'")

    monkeypatch.setattr(packages.importlib, "import_module", fail)
    with pytest.raises(packages.MissingError) as caught:
        packages.check_import("numpy")
    version = metadata.version("numpy")
    assert str(caught.value) == (
        "it does not load (ModuleNotFoundError: No module named 'numpy._core.x'). Run: "
        f"{sys.executable} -m pip install --force-reinstall --no-deps numpy=={version}"
    )


def test_another_package_on_pythonpath_is_named(monkeypatch, tmp_path):
    (tmp_path / "tqdm.py").touch()
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "tqdm", raising=False)
    with pytest.raises(packages.MissingError, match="another one is used, from .* Unset PYTHONPATH"):
        packages.check_import("tqdm")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))  # the course's own folder shows nothing else
    packages.check_import("packaging")


def test_requirements_that_cannot_be_read_are_a_line_too(monkeypatch, capsys, loaded_once):
    monkeypatch.setattr(packages.metadata, "requires", lambda name: ["not a >< requirement"])
    assert not doctor.run_doctor()
    out = capsys.readouterr().out
    assert "FAIL  packaging: " in out and "OK    first rerank" in out


def missing(name):
    raise metadata.PackageNotFoundError(name)


def test_doctor_can_keep_to_failures(capsys, loaded_once):
    assert doctor.run_doctor(only_failures=True)
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_doctor_lists_the_models_and_never_shows_a_key(monkeypatch, capsys, tmp_path, loaded_once):
    monkeypatch.setattr("rerank_course.engine.hub.hub_cache", lambda: tmp_path)
    folder = tmp_path / "models--cross-encoder--ms-marco-MiniLM-L-6-v2"  # the older spelling
    for file in ("refs/main", "snapshots/abc/config.json", "snapshots/abc/model.safetensors"):
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text("abc", encoding="utf-8")
    monkeypatch.setenv("CO_API_KEY", "my-secret")
    assert models_of_the_doctor(capsys) == {
        "cross-encoder/ms-marco-MiniLM-L6-v2": "found in the local cache",
        "cross-encoder/ms-marco-MiniLM-L12-v2": "packaged with the course",
        "BAAI/bge-reranker-base": "needs fetching: python -m rerank_course fetch BAAI/bge-reranker-base",
        "BAAI/bge-reranker-large": "needs fetching: python -m rerank_course fetch BAAI/bge-reranker-large",
        DEFAULT_HOSTED: "hosted, CO_API_KEY is set",
    }
    monkeypatch.delenv("CO_API_KEY")
    monkeypatch.setattr("rerank_course.models.is_local", unreadable)
    again = models_of_the_doctor(capsys)
    assert again[DEFAULT_HOSTED] == "hosted, needs a key in CO_API_KEY"
    assert again["BAAI/bge-reranker-base"] == "not known (no permission)"


def models_of_the_doctor(capsys):
    assert doctor.run_doctor()
    out = capsys.readouterr().out
    assert "my-secret" not in out and "FAIL" not in out
    names = [option.name for option in CATALOGUE]
    rows = [line.strip().split(": ", 1) for line in out.splitlines()]
    return {row[0]: row[1] for row in rows if row[0] in names}


def unreadable(name):
    raise PermissionError("no permission")


def test_doctor_without_the_course_installed(monkeypatch, capsys, loaded_once):
    monkeypatch.setattr(packages.metadata, "requires", missing)
    assert not doctor.run_doctor(only_failures=True)
    remedy = "Run in the course's folder: pip install --no-deps -e ."
    assert f"FAIL  rerank-course: not installed. {remedy}" in capsys.readouterr().out


@pytest.fixture
def kernels(tmp_path, monkeypatch):
    """Makes a program start Jupyter's kernel python3; gives the kernel's folder."""
    folder = tmp_path / "kernels" / "python3"
    folder.mkdir(parents=True)
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))

    def start_with(command):
        spec = {"argv": [command], "display_name": "Python 3", "language": "python"}
        (folder / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
        return folder

    return start_with


def test_doctor_finds_a_kernel_that_does_not_start(kernels, capsys, loaded_once):
    kernels("/no/such/python")
    assert not doctor.run_doctor(only_failures=True)
    problem = "it starts /no/such/python, which does not exist"
    assert f"FAIL  Jupyter kernel python3: {problem}" in capsys.readouterr().out


def test_doctor_finds_a_kernel_of_another_python(kernels, tmp_path):
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "other")], check=True)
    places = os.pathsep.join(str(tmp_path / "other" / name) for name in ("bin", "Scripts"))
    other = shutil.which("python", path=places)
    folder = kernels(other)
    with pytest.raises(RuntimeError) as caught:
        doctor._check_kernel()
    problem = str(caught.value)
    assert f"it starts {other}, another Python than this one" in problem
    assert f"rename the folder {folder}" in problem
    for command in (sys.executable, "bash"):  # this one, and a script of which nobody can say what it starts
        kernels(command)
        assert doctor._check_kernel() == "Python 3"


def test_doctor_does_not_need_a_python_on_the_path(monkeypatch, capsys, tmp_path, loaded_once):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert doctor.run_doctor(only_failures=True), capsys.readouterr().out
