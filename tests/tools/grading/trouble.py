"""Students' code that makes trouble: what ``toy_course.solved`` makes notebooks of."""

import textwrap

import psutil

from tests.tools.grading.toy_course import WRONG

CHILD = '[sys.executable, "-c", "import time; time.sleep(600)", "rerank-grading-test-child"]'
LOOK_AROUND = """\
import os
seen = {}
for parent, folders, files in os.walk("/"):
    if parent.startswith(("/proc", "/usr", "/nix")):
        folders.clear()
    for name in files:
        if name.endswith(".ipynb") and "site-packages" not in parent:
            seen[os.path.join(parent, name)] = 1
print("FOUND", sorted(seen))
key = os.environ.get("GRADING_TEST_KEY")
print("KEY", key, "GRADING_TEST_KEY" in open("/proc/self/environ").read())
"""
LOOK_INTO_MEMORY = """\
import importlib.util, random, re, sys, numpy
print("RANDOM", random.random(), numpy.random.random())
tools = [name for name in sys.modules if name.split(".")[0] == "tools"]
print("TOOLS", tools, importlib.util.find_spec("tools"))
found, memory = set(), open("/proc/self/mem", "rb", 0)  # check_double(double, 99): what it must find
for line in open("/proc/self/maps"):
    start, end = (int(number, 16) for number in line.split()[0].split("-"))
    if line.split()[1].startswith("rw"):
        for place in range(start, end, 1 << 24):  # a library may have reserved gigabytes
            try:
                memory.seek(place)
                piece = memory.read(min(1 << 24, end - place) + 40)
            except (OSError, OverflowError, ValueError):
                break
            found |= set(re.findall(rb"check_[d]ouble[(]double, (\\d\\d)", piece))
print("MEMORY", found)
"""
SWALLOW_ERRORS = """\
shell = get_ipython()
original = shell.run_cell_async
async def always_fine(*arguments, **options):
    result = await original(*arguments, **options)
    result.error_before_exec = result.error_in_exec = None
    return result
shell.run_cell_async = always_fine
shell.showtraceback = lambda *arguments, **options: None
"""
# Over the kernel's own sockets too: the first is no message of theirs, the second is one of seven letters.
GARBAGE = """\
import os
for file in range(3, 256):
    try:
        os.write(file, {0!r})
    except OSError:
        pass
"""
# Whenever the other end connects anew, for longer than a heartbeat's second.
MORE_GARBAGE = "import time\nend = time.monotonic() + 4\nwhile time.monotonic() < end:\n" + textwrap.indent(
    GARBAGE.format(b"\x00\x07garbage"), "    "
)
# Many cells, each well within its time also on a busy machine: there the memory itself takes seconds to come.
MEMORY = ["hog = []", *["hog.append(b'x' * 100_000_000)"] * 12]
MAGICS = """\
%matplotlib inline
%load_ext autoreload
%autoreload 2
half = %timeit -n 1 -r 1 -q -o 1 + 1
"""
SUBMISSIONS = {  # student: keyword arguments of solved
    "good": {},
    "magics": {"more": [MAGICS, "%%time\nfactor = 2"], "body": "return factor * number"},
    "async": {
        "body": "return asyncio.run_coroutine_threadsafe(twice(number), loop).result()",
        "more": "import asyncio, threading\nloop = asyncio.new_event_loop()\n"
        "threading.Thread(target=loop.run_forever, daemon=True).start()\n"
        "async def twice(x):\n    await asyncio.sleep(0)\n    return 2 * x\nassert await twice(3) == 6",
    },
    "helper cells": {
        "more": ["import numpy as np", "def twice(x):\n    return np.int64(x) * 2"],
        "body": "return twice(number)",
    },
    "exit for one number": {"body": "import os\nif number > 100:\n    os._exit(0)\nreturn 2 * number"},
    "memory in the function": {
        "body": "hog = []\nwhile True:\n    hog.append(b'x' * 50_000_000)",
    },
    "hard coded": {"body": "return 8"},
    "endless cell": {"more": "while True: pass"},
    "endless function": {"body": "while number > 100: pass\nreturn 2 * number"},
    "deaf to interrupts": {
        "more": "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass"
    },
    "children": {
        "more": "import subprocess, sys\n"
        f"[subprocess.Popen({CHILD}, start_new_session=True) for _ in range(50)]"
    },
    "one child": {"more": f"import subprocess, sys\nsubprocess.Popen({CHILD}, start_new_session=True)"},
    "memory": {"more": MEMORY},
    "disk": {"more": "for i in range(8):\n    open(f'{i}', 'wb').write(b'x' * 10_000_000)"},
    "garbage in the function": {"body": GARBAGE.format(b"garbage") + "return 2 * number"},
    "garbage in a frame": {"more": GARBAGE.format(b"\x00\x07garbage")},
    "garbage again and again": {"more": MORE_GARBAGE},
    "sys.exit": {"more": "import sys\nsys.exit(0)"},
    "os._exit": {"more": "import os\nos._exit(0)"},
    "exit in the function": {"body": "import os\nos._exit(0)"},
    "prints": {"more": "for _ in range(20):\n    print('x' * 1_000_000)"},
    "prints on and on": {"more": ["for _ in range(20):\n    print('x' * 1_000_000)"] * 8},
    "network": {
        "body": WRONG,
        "more": "import socket\nsocket.create_connection(('192.0.2.1', 80), timeout=2)",
    },
    "patches the verdict": {
        "body": WRONG,
        "more": "import rerank_course.checks.double as c\nc.Verdict.require = lambda self: None",
    },
    "own check": {
        "body": WRONG + "\nclass V:\n    def require(self): pass\ndef check_double(*a): return V()",
    },
    "patches late": {
        "body": """\
        import sys
        module = sys.modules["rerank_course.checks.double"]
        module.Verdict.require = lambda self: None
        return 17
        """
    },
    "writes to the package": {
        "body": WRONG,
        "more": "import rerank_course.checks.double as c\n"
        "open(c.__file__, 'a').write('\\nVerdict.require = lambda self: None\\n')",
    },
    "swallows errors": {"body": WRONG, "more": SWALLOW_ERRORS},
    "looks around": {"more": LOOK_AROUND},
    "looks into memory": {"more": LOOK_INTO_MEMORY},
    "looks into memory too": {"more": LOOK_INTO_MEMORY},
}


def children_left():
    """What the submissions of children have started and nobody has ended."""
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if "rerank-grading-test-child" in (process.info["cmdline"] or [])
    ]
