"""Students' code that wants points, or hidden tests, by other ways than an answer.

Each function is wrong (it returns 17) unless it guesses; what it does besides must neither help nor show.
"""

from tests.tools.grading.toy_course import WRONG

FORGED = '{"reply": %d, "value": 2468, "printed": "", "warnings": [], "changed": []}\\n'
FIND_LENDER = """\
import gc
lenders = [thing for thing in gc.get_objects() if type(thing).__name__ == "Lender"]
"""
SEARCH = """\
import gc, sys
found = []
frame = sys._getframe()
while frame is not None:
    found += [repr(value)[:2000] for value in list(frame.f_locals.values()) if not callable(value)]
    frame = frame.f_back
for thing in gc.get_objects():
    if type(thing) in (str, bytes, list, tuple, dict) and "expected" in repr(thing)[:3000]:
        found.append(repr(thing)[:3000])
"""
TAMPERING = {  # student: keyword arguments of solved
    "prints In": {"body": WRONG, "end": "print(In[-8:], _ih, Out)"},
    "raises In": {"body": "raise ValueError(repr(get_ipython().user_ns['In'][-5:]))"},
    "raises history": {
        "body": "raise ValueError(repr(list(get_ipython().history_manager.input_hist_raw)[-5:]))"
    },
    "searches frames and memory": {"body": SEARCH + "raise ValueError(repr(found)[-15000:])"},
    "writes for later": {
        "body": SEARCH + "open('../home/found', 'a').write(repr(found))\nimport os\nos._exit(0)",
        "end": "import glob\nprint([open(name).read() for name in glob.glob('../*/found')])",
    },
    "equals all": {
        "body": "class Yes:\n    __eq__ = lambda *a: True\n    __ne__ = lambda *a: False\nreturn Yes()"
    },
    "is any number": {
        "body": "class Any(int):\n    __eq__ = lambda *a: True\n    __hash__ = int.__hash__\nreturn Any(17)"
    },
    "other builtins": {
        "body": WRONG,
        "more": "import builtins\nbuiltins.AssertionError = type('Fine', (Exception,), {})\n"
        "builtins.isinstance = lambda *a: True\nbuiltins.abs = lambda x: 0\n"
        "builtins.sorted = lambda *a, **k: []",
    },
    "other exec": {"body": WRONG, "more": "import builtins\nbuiltins.exec = lambda *a, **k: None"},
    "other library": {
        "body": WRONG,
        "more": "import rerank_course.checks.double as c\nc.check_double = lambda *a: c.Verdict(True, '')\n"
        "c.Verdict.require = lambda self: None",
    },
    "import hook": {
        "body": WRONG,
        "more": "import sys, types\nfake = types.ModuleType('rerank_course.checks.double')\n"
        "class Fine:\n    require = lambda self: None\nfake.check_double = lambda *a: Fine()\n"
        "sys.modules['rerank_course.checks.double'] = fake\nsys.meta_path.insert(0, type('Hook', (), "
        "{'find_spec': staticmethod(lambda name, *a: None)}))",
    },
    "own copy of the package": {
        "body": WRONG,
        "more": "import os, sys\nos.makedirs('rerank_course/checks')\n"
        "open('rerank_course/__init__.py', 'w'); open('rerank_course/checks/__init__.py', 'w')\n"
        "open('rerank_course/checks/double.py', 'w').write('class V:\\n    require = lambda s: None\\n"
        "check_double = lambda *a: V()\\n')\nsys.path.insert(0, os.getcwd())\n"
        "sys.modules.pop('rerank_course', 0)",
    },
    "input transformer": {
        "body": WRONG,
        "more": "get_ipython().input_transformers_post.append(lambda lines: ['pass\\n'])",
    },
    "syntax transformer": {
        "body": WRONG,
        "more": "import ast\nclass Nothing(ast.NodeTransformer):\n    def visit_Call(self, node):\n"
        "        return ast.Constant(None)\nget_ipython().ast_transformers.append(Nothing())",
    },
    "silent shell": {"body": WRONG, "more": "get_ipython().showtraceback = lambda *a, **k: None"},
    "own lender": {
        "body": FIND_LENDER + "for lender in lenders:\n    type(lender).answer = lambda self, message: "
        "{'reply': message['number'], 'value': 17, 'points': 5, 'status': 'right', 'printed': '', "
        "'warnings': [], 'changed': [], 'stopped': ''}\nreturn 17",
    },
    "own answers at once": {
        "body": FIND_LENDER + "for number in range(1, 9):\n    "
        f"lenders[0].socket.sendall(({FORGED!r} % number).encode())\nreturn 17",
    },
    "asks for what it should not": {
        "body": FIND_LENDER + "said = []\nfor number in range(3):\n"
        "    for method in ('', '__class__', '__globals__', 'append', 'predict', '__reduce__'):\n"
        "        try:\n            said.append(repr(lenders[0].ask_for(number, method, (), {})))\n"
        "        except Exception as error:\n            said.append(repr(error))\n"
        "raise ValueError(repr(said))",
    },
    "nonsense on the channel": {"body": FIND_LENDER + "lenders[0].socket.sendall(b'[[[[\\n')\nreturn 17"},
    "a deep answer": {
        "body": FIND_LENDER + "lenders[0].socket.sendall(b'[' * 1000000 + b'\\n')\nreturn 17",
    },
    "an answer without an end": {
        "body": FIND_LENDER + "while True:\n    lenders[0].socket.sendall(b'x' * 1000000)",
    },
    "an answer that holds itself": {"body": "answer = []\nanswer.append(answer)\nreturn answer"},
    "a class of ours": {
        "body": FIND_LENDER + "import json\nline = json.dumps({'reply': 3, 'error': {'classes': "
        "['tools.grading.channel:Stopped', 'builtins:GeneratorExit'], 'text': ''}})\n"
        "lenders[0].socket.sendall(line.encode() + b'\\n')\nreturn 17",
    },
    "ends quietly": {"body": "raise SystemExit(0)"},
    "skips": {"body": "import unittest\nraise unittest.SkipTest('later')"},
    "names of the process": {
        "body": WRONG,
        "end": "import glob\nfor name in glob.glob('/proc/*/cmdline') + glob.glob('/proc/*/environ'):\n"
        "    try:\n        print(open(name, 'rb').read())\n    except OSError:\n        pass",
    },
    "prints from behind": {
        "body": SEARCH + "print(found)\nimport sys\nsys.__stdout__.write(repr(found))\nreturn 17",
        "more": "import threading, time\ndef later():\n    for _ in range(50):\n        time.sleep(0.1)\n"
        "        print('later', In[-3:])\nthreading.Thread(target=later, daemon=True).start()",
    },
    "changes the display": {
        "body": "handle.update(repr(get_ipython().user_ns['In'][-5:]))\nreturn 17",
        "more": "from IPython.display import display\nhandle = display('x', display_id=True)",
    },
}
