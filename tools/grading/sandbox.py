"""Run one command where a student's code can do little harm: `python -I sandbox.py plan.json command …`.

With ``"isolated": true`` in the plan (Linux, where unprivileged user namespaces are allowed) the command sees
only the folders that the plan names, read-only but for its box; it has no network but its own loopback, sees
no other process, and whatever it starts ends with it. Without, only the limits on memory, file size, open
files and processes hold. Standard library alone: it starts before every submission.

The plan: {"isolated": bool, "box": folder to write to, "visible": [folders and files to read], "folder":
where to start, "environment": {name: value}, "limits": {"memory": bytes, "file": bytes, "processes": count}}.
"""

import contextlib
import ctypes
import fcntl
import json
import os
import resource
import signal
import socket
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

# From linux/sched.h, sys/mount.h, sys/prctl.h.
NEW_USER, NEW_MOUNTS, NEW_PIDS = 0x10000000, 0x00020000, 0x20000000
NEW_NET, NEW_IPC, NEW_UTS = 0x40000000, 0x08000000, 0x04000000
BIND, REC, PRIVATE, NOSUID, NODEV, DETACH = 4096, 16384, 1 << 18, 2, 4, 2
ATTR_RDONLY, ATTR_NOSUID, AT_FDCWD, AT_RECURSIVE = 1, 2, -100, 0x8000
SYS_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
SYS_MOUNT_SETATTR = 442
SET_PARENT_DEATH_SIGNAL, SET_CHILD_SUBREAPER, SET_NO_NEW_PRIVILEGES = 1, 36, 38
DEVICES = ("null", "zero", "full", "random", "urandom")
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix")
# Of /etc what programs start with, no more.
SETTINGS = (
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "passwd",
    "group",
    "nsswitch.conf",
    "hosts",
    "localtime",
    "fonts",
    "alternatives",
    "mime.types",
)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _call(name: str, *arguments) -> None:
    """A C function that returns -1 on failure."""
    converted = [
        ctypes.c_long(a) if isinstance(a, int) else a.encode() if isinstance(a, str) else a for a in arguments
    ]
    if getattr(_libc(), name)(*converted) == -1:
        code = ctypes.get_errno()
        raise OSError(code, f"{name}{arguments[:3]}: {os.strerror(code)}")


def die_with_parent() -> None:
    """End this process when the one that started it ends, however that happens."""
    if sys.platform == "linux":
        _call("prctl", SET_PARENT_DEATH_SIGNAL, int(signal.SIGKILL), 0, 0, 0)


def adopt_orphans() -> None:
    """Make this process the parent of what the processes below it leave behind."""
    if sys.platform == "linux":
        _call("prctl", SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def readable_folders(*more: Path) -> list[str]:
    """What Python needs to see: the system's libraries, the interpreter, its packages; and ``more``."""
    system = [*SYSTEM, *(f"/etc/{name}" for name in SETTINGS)]
    python = [sys.prefix, sys.base_prefix, str(Path(sys.executable).resolve().parent.parent)]
    packages = [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
    found = [*map(Path, [*system, *python, *packages]), *more]
    # A parent before what stands in it: mounting a parent later would hide the child.
    return sorted(
        {str(path.absolute()) for path in found if path.exists()}, key=lambda path: (path.count("/"), path)
    )


def can_isolate() -> bool:
    """Whether this system lets an ordinary user make the namespaces: tried, not guessed."""
    if sys.platform != "linux" or os.uname().machine not in SYS_PIVOT_ROOT:
        return False
    with tempfile.TemporaryDirectory() as box:
        plan: dict = {
            "isolated": True,
            "box": box,
            "visible": readable_folders(),
            "folder": box,
            "environment": {},
            "limits": {},
        }
        file = Path(box) / "plan.json"
        file.write_text(json.dumps(plan))
        command = [sys.executable, "-I", __file__, str(file), sys.executable, "-c", ""]
        try:
            return subprocess.run(command, capture_output=True, timeout=30).returncode == 0
        except subprocess.TimeoutExpired:
            return False


def run(plan: dict, start: Callable[[], None]) -> int:
    """Call ``start``, which does not return, under the plan's limits.

    Isolated, that is in a child with namespaces of its own, whose exit status is returned.
    """
    if not plan["isolated"]:
        die_with_parent()
        _start(plan, start)
    user, group = os.getuid(), os.getgid()
    _call("unshare", NEW_USER | NEW_MOUNTS | NEW_PIDS | NEW_NET | NEW_IPC | NEW_UTS)
    Path("/proc/self/setgroups").write_text("deny")
    # An ordinary user inside: all privileges over these namespaces are gone as soon as the command starts.
    Path("/proc/self/uid_map").write_text(f"1000 {user} 1")
    Path("/proc/self/gid_map").write_text(f"1000 {group} 1")
    child = os.fork()
    if child == 0:
        die_with_parent()
        _loopback_up()
        _enter_new_root(plan)
        _start(plan, start)
    die_with_parent()
    # An interrupt is for the command, which is in the same process group.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) & 0xFF


def _loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, 0x8914, struct.pack("16sh", b"lo", 1 | 64))  # SIOCSIFFLAGS: up and running


def _enter_new_root(plan: dict) -> None:
    """A root folder that holds what the plan names and nothing else; the old one is out of reach."""
    # For the command: no namespaces of its own, where it would be root.
    Path("/proc/sys/user/max_user_namespaces").write_text("0")
    box = Path(plan["box"])
    root = box.parent / "root"
    root.mkdir(exist_ok=True)
    _call("mount", None, "/", None, REC | PRIVATE, None)
    _mount_memory(root, "16m")
    for name, size in (("tmp", "64m"), ("dev/shm", "256m")):
        _mount_memory(root / name, size)
    for path in [*map(Path, plan["visible"]), *(Path("/dev") / name for name in DEVICES), box]:
        _bind(path, root)
    (root / "proc").mkdir()
    _call("mount", "proc", str(root / "proc"), "proc", NOSUID | NODEV, None)
    _set_attributes(root, turn_on=ATTR_RDONLY | ATTR_NOSUID, recursive=True)
    for writable in ("/tmp", "/dev/shm", str(box)):
        _set_attributes(root / writable[1:], turn_off=ATTR_RDONLY)
    os.chdir(root)
    if _libc().syscall(SYS_PIVOT_ROOT[os.uname().machine], b".", b".") == -1:
        raise OSError(ctypes.get_errno(), "pivot_root")
    _call("umount2", ".", DETACH)  # the old root lies on top of the new one until now
    os.chdir("/")


def _mount_memory(folder: Path, size: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    _call("mount", "tmpfs", str(folder), "tmpfs", NOSUID | NODEV, f"size={size},mode=777")


def _bind(path: Path, root: Path) -> None:
    target = root / str(path)[1:]
    target.parent.mkdir(parents=True, exist_ok=True)
    if path.is_symlink() and str(path) in SYSTEM:  # /lib -> usr/lib
        target.symlink_to(os.readlink(path))
        return
    if path.is_dir():
        target.mkdir(parents=True, exist_ok=True)
    elif not target.exists():
        target.touch()
    _call("mount", str(path), str(target), None, BIND | REC, None)


def _set_attributes(path: Path, turn_on: int = 0, turn_off: int = 0, recursive: bool = False) -> None:
    """mount_setattr(2), which the C library of older systems does not wrap."""
    wanted = struct.pack("QQQQ", turn_on, turn_off, 0, 0)
    where = (ctypes.c_long(AT_FDCWD), str(path).encode(), ctypes.c_long(AT_RECURSIVE if recursive else 0))
    if _libc().syscall(ctypes.c_long(SYS_MOUNT_SETATTR), *where, wanted, ctypes.c_long(len(wanted))) == -1:
        code = ctypes.get_errno()
        raise OSError(code, f"mount_setattr {path}: {os.strerror(code)}")


def _start(plan: dict, start: Callable[[], None]) -> None:
    limits = plan["limits"]
    if sys.platform == "linux":
        _call("prctl", SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    wanted = {
        "AS": limits.get("memory"),
        "FSIZE": limits.get("file"),
        "NPROC": limits.get("processes"),
        "CORE": 0,
        "NOFILE": 1024,
    }
    for kind, limit in wanted.items():
        if limit is not None:
            _limit(getattr(resource, f"RLIMIT_{kind}"), limit)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(plan["folder"])
    start()
    os._exit(0)


def _limit(kind: int, limit: int) -> None:
    soft, hard = resource.getrlimit(kind)
    limit = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
    # macOS refuses some; the grader watches memory and processes from outside as well.
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(kind, (limit, limit))


if __name__ == "__main__":
    the_plan, command = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")), sys.argv[2:]
    sys.exit(run(the_plan, lambda: os.execve(command[0], command, the_plan["environment"])))
