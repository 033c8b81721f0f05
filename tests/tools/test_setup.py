"""Set-up: the lock, the environments that are made from it, and what a person is told when it fails."""

import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import time
import tomllib
import urllib.request
from importlib import import_module, metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

import rerank_course
from rerank_course.learner import packages
from tests.support import ROOT
from tools.build.outline import read_outline
from tools.setup import install, lock, why_not
from tools.setup import start_lab as lab

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]


def pins_of(path):
    """``{name: version}`` of the pins in one lock, without those that it includes."""
    lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
    return {
        canonicalize_name(line.split("==")[0]): line.split("==")[1].split()[0]
        for line in lines
        if "==" in line and not line.startswith("#")
    }


LEARNERS = pins_of("requirements.txt")
TASKS = {task: pins_of(lock.lock_path(task)) for task in lock.TASKS}
ALL = LEARNERS | TASKS["tests"]


def declared():
    wanted = [line for extra, lines in EXTRAS.items() if extra != "bench" for line in lines]
    return map(Requirement, dict.fromkeys([*PROJECT["dependencies"], *wanted]))


@pytest.mark.parametrize(
    ("module", "extras"),
    [("engine.int8_making", ["int8"]), ("texts.files", ["documents", "parquet"]), ("scale.job", ["ray"])],
)
def test_what_a_message_tells_one_to_install_is_what_the_extra_holds(module, extras):
    """The course's own name is on no index, so a message names the libraries."""
    said = shlex.split(import_module(f"rerank_course.{module}").INSTALL, comments=True)
    assert said[:2] == ["pip", "install"]
    assert said[2:] == [line for extra in extras for line in EXTRAS[extra]]


@pytest.mark.parametrize("requirement", declared(), ids=str)
def test_the_locks_pin_each_requirement_inside_its_range(requirement):
    assert requirement.specifier.contains(ALL[canonicalize_name(requirement.name)], prereleases=True)
    assert (
        any(mark in str(requirement.specifier) for mark in ("<", "==")) or requirement.name == "packaging"
    ), "a range without an upper bound"


@pytest.mark.parametrize("path", ["requirements.txt", *map(lock.lock_path, lock.TASKS)])
def test_every_line_of_a_lock_is_one_pin_without_a_build_tag(path):
    lines = [
        line for line in (ROOT / path).read_text(encoding="utf-8").splitlines() if not line.startswith("#")
    ]
    if path != "requirements.txt":
        assert lines.pop(0) == "-r ../requirements.txt"
    assert len(lines) == len(pins_of(path)) > 2
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.]+( +# via .*)?", line) for line in lines)


def test_a_task_s_lock_repeats_no_learner_s_pin_and_agrees_with_the_tests_lock():
    for pins in TASKS.values():
        assert not pins.keys() & LEARNERS.keys()
        assert pins.items() <= TASKS["tests"].items()


def test_the_locks_hold_what_their_task_needs_and_a_learner_s_no_more():
    for task, extras in lock.TASKS.items():
        wanted = {canonicalize_name(Requirement(line).name) for extra in extras for line in EXTRAS[extra]}
        assert wanted <= TASKS[task].keys() | LEARNERS.keys()
    for line in (*PROJECT["dependencies"], *(line for extra in lock.LEARNERS for line in EXTRAS[extra])):
        assert canonicalize_name(Requirement(line).name) in LEARNERS
    assert not LEARNERS.keys() & {
        "ray",
        "pyarrow",
        "playwright",
        "pytest",
        "sphinx",
        "nbgrader",
        "mypy",
        "numkong",
    }
    assert install.TASKS.keys() == lock.TASKS.keys()
    assert packages.LEARNERS == lock.LEARNERS and packages.GIVES.keys() < EXTRAS.keys()


def test_the_tests_run_on_the_lock():
    installed = {name: metadata.version(name).split("+")[0] for name in ALL}
    assert installed == ALL


def test_the_lock_installs_on_the_lowest_python():
    """3.11.2, which Debian 12 has: a resolver on a later 3.11 takes packages that want that later one."""
    wants = {name: metadata.metadata(name).get("Requires-Python") for name in ALL}
    assert [
        name for name, python in wants.items() if python and not SpecifierSet(python).contains("3.11.2")
    ] == []


def test_the_lock_is_complete():
    check = subprocess.run([sys.executable, "-m", "pip", "check"], capture_output=True, text=True)
    assert check.returncode == 0, check.stdout


def test_conda_users_get_python_and_the_same_lock():
    import yaml

    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    python, pip, (pip_lines) = (
        environment["dependencies"][0],
        environment["dependencies"][1],
        environment["dependencies"][2]["pip"],
    )
    assert SpecifierSet(PROJECT["requires-python"]).contains(python.removeprefix("python="))
    assert pip == "pip" and pip_lines == ["-r requirements.txt", "-e ."]


def test_supported_pythons_are_the_same_everywhere():
    lowest, highest = (f"{major}.{minor}" for major, minor in install.SUPPORTED)
    assert PROJECT["requires-python"] == f">={lowest},<3.{int(highest.split('.')[1]) + 1}"
    assert "(3, 11) <= sys.version_info[:2] <= (3, 14)" in (ROOT / "Makefile").read_text(encoding="utf-8")


def test_one_resolution_is_cut_into_locks_that_cannot_disagree():
    project = {
        "dependencies": ["torch>=2", "tqdm"],
        "optional-dependencies": dict.fromkeys(EXTRAS, []) | {"ray": ["ray[data]>=2"], "site": ["sphinx"]},
    }
    lines = [
        "# made by",
        "filelock==3.1          # via torch, ray",
        "ray==2.60              # via rerank-course (pyproject.toml)",
        "msgpack==1.0           # via ray",
        "sphinx==8.2            # via rerank-course (pyproject.toml)",
        "Jinja2==3.1            # via sphinx, torch",
        "torch==2.13.0+cpu      # via rerank-course (pyproject.toml)",
        "tqdm==4.6              # via rerank-course (pyproject.toml)",
    ]
    locks = lock.cut_into_locks(lines, project)
    pins = {path: re.findall(r"^[\w.-]+==\S+", text, re.MULTILINE) for path, text in locks.items()}
    assert pins["requirements.txt"] == ["filelock==3.1", "Jinja2==3.1", "torch==2.13.0", "tqdm==4.6"]
    assert pins["requirements/scale.txt"] == ["msgpack==1.0", "ray==2.60"]
    assert pins["requirements/site.txt"] == ["sphinx==8.2"] and pins["requirements/grading.txt"] == []
    assert pins["requirements/tests.txt"] == ["msgpack==1.0", "ray==2.60", "sphinx==8.2"]
    assert all("-r ../requirements.txt\n" in text for path, text in locks.items() if "/" in path)


def test_binder_installs_the_same_lock_on_a_supported_python():
    binder = ROOT / ".binder"
    lines = [
        line
        for line in (binder / "requirements.txt").read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    ]
    assert lines == ["-r ../requirements.txt", "-e ."]
    assert (binder / "../requirements.txt").resolve() == ROOT / "requirements.txt"
    python = (binder / "runtime.txt").read_text(encoding="utf-8").strip().removeprefix("python-")
    assert SpecifierSet(PROJECT["requires-python"]).contains(python)
    # Any other file here would take the place of these two: repo2docker looks for an environment.yml or a
    # Dockerfile first.
    assert {path.name for path in binder.iterdir()} == {"requirements.txt", "runtime.txt", "postBuild"}
    commands = re.findall(
        r"^python -m rerank_course (\w+)$",
        (binder / "postBuild").read_text(encoding="utf-8"),
        flags=re.MULTILINE,
    )
    assert commands == ["doctor"] and (binder / "postBuild").read_bytes().startswith(b"#!/bin/bash\n")
    assert subprocess.run(["bash", "-n", str(binder / "postBuild")]).returncode == 0


def test_the_dev_container_runs_make_on_a_supported_python():
    import json

    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8"))
    image, python = container["image"].split(":")
    assert image == "python" and SpecifierSet(PROJECT["requires-python"]).contains(python.split("-")[0])
    command = shlex.split(container["postCreateCommand"])
    assert (
        command[0] == "make"
        and container["forwardPorts"] == [8888]
        and container["portsAttributes"].keys() == {"8888"}
    )
    # In a folder without .venv, and with a Python that is here: make says what it would do.
    shown = subprocess.run(
        [*command, "--dry-run", f"PYTHON={sys.executable}"], cwd=ROOT, capture_output=True, text=True
    )
    assert shown.returncode == 0, shown.stderr
    assert "-m tools.setup.install .venv" in shown.stdout and "-m rerank_course doctor" in shown.stdout
    chosen = container["customizations"]["vscode"]["settings"]["python.defaultInterpreterPath"]
    assert chosen == "${containerWorkspaceFolder}/.venv/bin/python"


def test_the_readme_names_only_commands_that_exist():
    commands = set(
        re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    )
    named = set(re.findall(r"`?make ([a-z-]+)", (ROOT / "README.md").read_text(encoding="utf-8")))
    assert named and named <= commands
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert 0 < ci.index("make check") < ci.index("make test")
    from rerank_course.__main__ import make_parser

    (subcommands,) = (set(action.choices) for action in make_parser()._actions if action.dest == "command")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"bin/rerank-course ([a-z-]+)", readme)) == subcommands
    assert set(re.findall(r"-m rerank_course ([a-z-]+)", readme)) <= subcommands
    assert PROJECT["scripts"] == {"rerank-course": "rerank_course.__main__:main"}


def test_make_check_looks_at_each_file_of_the_forge():
    """A workflow or a form that nothing validates fails where nobody sees it."""
    shown = subprocess.run(["make", "-n", "check"], cwd=ROOT, capture_output=True, text=True).stdout
    files = [path for path in (ROOT / ".github").rglob("*") if path.is_file()]
    assert len(files) > 3
    for path in [*files, ROOT / "CITATION.cff"]:
        assert path.relative_to(ROOT).as_posix() in shown


def test_the_forge_s_workflow_runs_the_readme_s_commands_on_the_first_and_the_last_python():
    import yaml

    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))
    jobs = workflow["jobs"]
    lowest, highest = (".".join(map(str, version)) for version in install.SUPPORTED)
    runs = {name: [step["run"] for step in job["steps"] if "run" in step] for name, job in jobs.items()}
    assert all(job["strategy"]["matrix"]["python"] == [lowest, highest] for job in jobs.values())
    assert {"make setup", "make doctor", "make check", "make test"} <= {*runs["make"]}
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    written = [line.replace(r".venv\Scripts\python", ".venv/bin/python") for line in runs["windows"]]
    assert written and all(line in readme for line in written)
    assert "secrets." not in str(workflow)


def test_the_version_is_written_once():
    assert "version" not in PROJECT and PROJECT["dynamic"] == ["version"]
    assert metadata.version("rerank-course") == rerank_course.__version__
    newest = re.search(r"^## \[?([\d.]+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert newest.group(1) == rerank_course.__version__
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f'\nversion: "{rerank_course.__version__}"\n' in citation


# The kernel


def write_foreign_kernel(jupyter_folder):
    """A kernelspec named python3 that starts another Python, as `ipykernel install --user` leaves behind."""
    import json

    folder = jupyter_folder / "kernels" / "python3"
    folder.mkdir(parents=True)
    spec = {
        "argv": ["/another/python", "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": "Another",
        "language": "python",
    }
    (folder / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
    return folder


def kernel_python(**environment):
    """(where the kernelspec python3 stands, which Python it starts, what a kernel of that name says of
    itself) in a process of its own.
    """
    program = """
import sys
from jupyter_client.manager import start_new_kernel
from jupyter_client.kernelspec import KernelSpecManager
spec = KernelSpecManager().get_kernel_spec("python3")
print(spec.resource_dir, spec.argv[0], sep="\\n")
if spec.argv[0] != "/another/python":
    manager, client = start_new_kernel(kernel_name="python3")
    code = "import sys, torch; print(sys.prefix, torch.__file__, sep='\\\\n')"
    client.execute_interactive(code, timeout=60)
    manager.shutdown_kernel(now=True)
"""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("JUPYTER_")}
    run = subprocess.run(
        [sys.executable, "-c", program], env=kept | environment, capture_output=True, text=True, timeout=120
    )
    assert run.returncode == 0, run.stderr
    return run.stdout.splitlines()


@pytest.mark.heavy
def test_the_kernel_python3_is_this_environment_s_own_whatever_the_home_folder_and_the_shell_hold(tmp_path):
    """Another kernel of that name in the home folder, and another virtual environment, with another torch,
    active in the shell.
    """
    foreign = write_foreign_kernel(tmp_path / "jupyter")
    other = (
        tmp_path
        / "other"
        / "lib"
        / f"python{sys.version_info.major}.{sys.version_info.minor}"
        / "site-packages"
    )
    other.mkdir(parents=True)
    (other / "torch.py").touch()
    environment = {
        "JUPYTER_DATA_DIR": str(tmp_path / "jupyter"),
        "VIRTUAL_ENV": str(tmp_path / "other"),
        "HOME": str(tmp_path),
    }
    folder, command, prefix, torch = kernel_python(
        JUPYTER_PREFER_ENV_PATH="1", **environment
    )  # as make sets it
    assert folder == os.path.join(sys.prefix, "share", "jupyter", "kernels", "python3") and command in (
        "python",
        "python3",
        sys.executable,
    )
    assert prefix == sys.prefix and torch.startswith(sys.prefix)
    # Without it, whose kernel wins depends on who owns the environment: the trap is real.
    assert kernel_python(JUPYTER_PREFER_ENV_PATH="0", **environment) == [str(foreign), "/another/python"]


def test_make_prefers_the_environment_s_kernel_to_the_home_folder_s(tmp_path):
    (tmp_path / "more.mk").write_text(
        f"include {ROOT / 'Makefile'}\nshow:\n\t@echo $$JUPYTER_PREFER_ENV_PATH\n", encoding="utf-8"
    )
    shown = subprocess.run(
        ["make", "--no-print-directory", "-f", "more.mk", "show"],
        cwd=tmp_path,
        env=os.environ | {"JUPYTER_PREFER_ENV_PATH": "0"},
        capture_output=True,
        text=True,
    )
    assert shown.stdout == "1\n", shown.stderr


# Another environment that is active


def copy_set_up(course):
    """What `make setup` runs, into a folder of its own."""
    shutil.copytree(ROOT / "tools" / "setup", course / "tools" / "setup")
    for name in ("Makefile", "tools/__init__.py"):
        shutil.copy(ROOT / name, course / name)


@pytest.fixture
def scratch_course(tmp_path):
    """A course with next to nothing to install, in a folder of its own; gives a function that runs make in
    it.
    """
    course = tmp_path / "course"
    copy_set_up(course)
    (course / "requirements.txt").write_text("# nothing\n", encoding="utf-8")
    (course / "pyproject.toml").write_text("", encoding="utf-8")
    # What pip would build the course with is no matter here.
    program = (course / "tools" / "setup" / "install.py").read_text(encoding="utf-8")
    build = '_pip(venv, ["--no-deps", "-e", "."], pip_options)'
    assert build in program
    (course / "tools" / "setup" / "install.py").write_text(program.replace(build, "pass"), encoding="utf-8")

    def make(active, **environment):
        path = os.pathsep.join([str(active / "bin"), os.environ["PATH"]]) if active else os.environ["PATH"]
        kept = {
            name: value
            for name, value in os.environ.items()
            if name not in ("VIRTUAL_ENV", "CONDA_PREFIX", "MAKEFLAGS", "MAKELEVEL", "PYTHON")
        }
        return subprocess.run(
            ["make", "setup"],
            cwd=course,
            env=kept | {"PATH": path} | environment,
            capture_output=True,
            text=True,
            timeout=120,
        )

    make.course = course
    return make


@pytest.mark.heavy
def test_the_course_goes_into_its_own_environment_also_when_another_is_active(scratch_course, tmp_path):
    other, venv = tmp_path / "other", scratch_course.course / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(other)], check=True)
    before = sorted(path.relative_to(other) for path in other.rglob("*"))
    run = scratch_course(other, VIRTUAL_ENV=str(other))
    assert run.returncode == 0, run.stderr
    assert (
        f"The environment that is active, {other}, stays as it is: "
        "the course goes into .venv, which is its own." in run.stdout
    )
    assert (venv / ".course-installed").exists() and sorted(
        path.relative_to(other) for path in other.rglob("*")
    ) == before
    where = subprocess.run(
        [venv / "bin" / "python", "-c", "import sys; print(sys.prefix, sys.base_prefix)"],
        capture_output=True,
        text=True,
    ).stdout.split()
    assert where == [str(venv), sys.base_prefix]  # it does not hang on the other one, which may go
    # Now its own is active, as in a second terminal: nothing to do, nothing to say. Then it is broken, and
    # mended from within.
    again = scratch_course(venv, VIRTUAL_ENV=str(venv))
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
    shutil.rmtree(next((venv / "lib").glob("python*")) / "site-packages" / "pip")
    mended = scratch_course(venv, VIRTUAL_ENV=str(venv))
    assert (
        mended.returncode == 0 and "Creating .venv" in mended.stdout and "stays as it is" not in mended.stdout
    ), mended.stderr
    assert install._runs(venv / "bin" / "python") and (venv / ".course-installed").exists()


@pytest.mark.parametrize(
    ("active", "said"),
    [
        ({"CONDA_PREFIX": "/conda/envs/data"}, True),
        ({"VIRTUAL_ENV": "/some/venv", "CONDA_PREFIX": "/conda"}, True),
        ({"VIRTUAL_ENV": ".venv"}, False),
        ({}, False),
    ],
)
def test_an_active_environment_is_named_and_the_course_s_own_is_not(
    monkeypatch, tmp_path, capsys, active, said
):
    monkeypatch.chdir(tmp_path)
    for name in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        monkeypatch.setenv(name, active[name]) if name in active else monkeypatch.delenv(name, raising=False)
    install._mention_active_environment(tmp_path / ".venv")
    out = capsys.readouterr().out
    assert out.count("stays as it is") == said and (not said or next(iter(active.values())) in out)


# What a person is told


def test_no_python_says_what_to_do():
    run = subprocess.run(["make", "setup", "PYTHON="], cwd=ROOT, capture_output=True, text=True)
    assert (
        run.returncode
        and "No Python from 3.11 to 3.14 was found" in run.stderr
        and "make course PYTHON=" in run.stderr
    )


def test_an_old_python_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "version_info", (3, 9, 1))
    with pytest.raises(
        install.InstallError, match=r"This is Python 3.9; the course needs 3.11 to 3.14.*make course PYTHON="
    ):
        install.install(tmp_path / "venv", [])


def test_a_full_disk_says_how_much_is_needed(monkeypatch, tmp_path):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**11, 10**11, 10**9))
    with pytest.raises(install.InstallError, match="Only 1.0 GB are free .* needs 3"):
        install.install(tmp_path / "venv", [])
    assert not (tmp_path / "venv").exists()


@pytest.mark.heavy
def test_no_route_to_an_index_says_so_and_the_next_run_goes_on(tmp_path):
    venv = tmp_path / "venv"
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("PIP_") and name not in why_not.PROXIES
    }
    environment |= {
        "PIP_RETRIES": "0",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
        "PYTHONUNBUFFERED": "1",
    }
    command = [sys.executable, "-m", "tools.setup.install", str(venv)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment)
    assert run.returncode == 1
    assert run.stdout.count("The network broke off, or does not answer. Trying again in ") == 3
    assert "Not installed. pip said:" in run.stderr and "Traceback" not in run.stderr
    assert "No package index could be reached" in run.stderr
    assert not install.stamp(venv).exists() and install._runs(install.python_of(venv))
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=environment) as again:
        first = next(line for line in again.stdout if not line.isspace())
        again.terminate()  # it would wait and try again as the first did
    assert "Installing the course" in first, first


def test_a_missing_ensurepip_names_the_package(monkeypatch, tmp_path):
    failed = subprocess.CompletedProcess(
        [], 1, "The virtual environment was not created successfully because ensurepip is not available.", ""
    )
    monkeypatch.setattr(install.subprocess, "run", lambda *args, **kwargs: failed)
    with pytest.raises(install.InstallError, match=r"sudo apt install python3\.\d+-venv"):
        install._create(tmp_path / "venv")


def test_a_second_setup_does_nothing(monkeypatch):
    """In the environment that `make test` made; elsewhere there is no stamp to look at."""
    venv = ROOT / ".venv"
    if not (venv / ".course-installed").exists():
        pytest.skip("the tests do not run in .venv; make test makes it")
    monkeypatch.setattr(install, "_pip", lambda *args: pytest.fail("installed again"))
    install.install(venv, [], [])


# JupyterLab


def test_without_a_display_lab_only_serves_and_root_is_allowed():
    first = [*lab.OPEN_FIRST_LESSON, *lab.SETTINGS]
    assert lab.lab_command([], {}, "linux", False)[3:] == ["--no-browser", *first]
    assert lab.lab_command([], {"DISPLAY": ":0"}, "linux", False)[3:] == first
    assert lab.lab_command([], {"WAYLAND_DISPLAY": "wayland-0"}, "linux", True)[3:] == [
        "--allow-root",
        *first,
    ]
    assert lab.lab_command(["--port", "1"], {}, "darwin", False)[3:] == [*first, "--port", "1"]
    assert (ROOT / lab.FIRST_LESSON).exists() and lab.FIRST_LESSON.endswith(read_outline().lessons[0].file)
    assert all(Path(setting.partition("=")[2]).is_dir() for setting in lab.SETTINGS)


@pytest.fixture
def busy_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield taken.getsockname()[1]


@pytest.fixture
def start_lab(tmp_path):
    """Starts JupyterLab as `make course` does, with more options; gives the process and the file that it
    writes to; ends it.
    """
    started = []

    def start(*options):
        log = (tmp_path / "lab.log").open("w+", encoding="utf-8")
        command = [
            sys.executable,
            "-m",
            "tools.setup.start_lab",
            "--no-browser",
            "--ServerApp.ip=127.0.0.1",
            "--IdentityProvider.token=test",
            *options,
        ]
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
        started.append((process, log))
        return process, tmp_path / "lab.log"

    yield start
    for process, log in started:
        if process.poll() is None:
            os.killpg(process.pid, 15)
            process.wait(timeout=20)
        log.close()


@pytest.mark.heavy
def test_lab_serves_the_whole_course_also_when_its_port_is_taken(busy_port, start_lab):
    process, log = start_lab(f"--port={busy_port}")
    deadline = time.monotonic() + 60
    pattern = rf"(http://127\.0\.0\.1:(\d+))/lab/tree/{re.escape(lab.FIRST_LESSON)}"
    while not (found := re.search(pattern, log.read_text(encoding="utf-8"))):
        assert process.poll() is None and time.monotonic() < deadline, log.read_text(encoding="utf-8")
        time.sleep(0.2)
    assert int(found.group(2)) != busy_port
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for path in (lab.FIRST_LESSON, f"exercises/{read_outline().exercises[-1].file}"):
        with opener.open(f"{found.group(1)}/api/contents/{path}?content=0&token=test", timeout=20) as answer:
            assert answer.status == 200


@pytest.mark.heavy
def test_lab_says_what_to_do_when_no_port_is_free(busy_port, start_lab):
    process, log = start_lab(f"--port={busy_port}", "--ServerApp.port_retries=0")
    assert process.wait(timeout=60) != 0
    assert "choose another: make course LAB_ARGS='--port 8890'" in log.read_text(encoding="utf-8")
