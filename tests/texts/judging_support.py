"""What tests of judging share: a person who types grades, and what stands on disk then."""

import os
import subprocess
import sys

from rerank_course.text import Chunk
from rerank_course.texts.judging import PROMPT, judge_in_terminal

HEADER = "query-id\tcorpus-id\tscore\n"
CHUNKS = [Chunk(f"d{i}", f"Text of number {i}.", f"Title {i}") for i in range(4)]


class Person:
    """Types the given answers in turn, then ends the input; an exception among them is raised. Remembers what
    was shown.
    """

    def __init__(self, *answers):
        self.answers, self.shown = list(answers), []

    def ask(self, prompt):
        assert prompt == PROMPT
        if not self.answers:
            raise EOFError
        answer = self.answers.pop(0)
        if not isinstance(answer, str):
            raise answer
        return answer

    def judge(self, judgements, queries=("which?",), find=lambda query: CHUNKS):
        return judge_in_terminal(judgements, list(queries), find, ask=self.ask, show=self.shown.append)

    def cards(self):
        return [text for text in self.shown if " – " in text]


def read_qrels(folder):
    return (folder / "qrels" / "test.tsv").read_bytes().decode("utf-8")


def files(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".lock"
    }


def start(script, *arguments):
    environment = os.environ | {"PYTHONIOENCODING": "utf-8", "PYTHONUNBUFFERED": "1"}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return subprocess.Popen(
        [sys.executable, "-c", script, *arguments], **pipes, encoding="utf-8", env=environment
    )


def ranking(*ids):
    return [(Chunk(i, f"text of {i}"), 1.0 / rank) for rank, i in enumerate(ids, start=1)]
