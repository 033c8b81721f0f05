"""Judge your own queries: pool what several systems found, grade it by hand, and save each grade at once in BEIR's layout.

Pooling (Spärck Jones and van Rijsbergen, 1975) makes judging affordable: only what at least one system ranked high is judged. Who judges
should not see which system that was, so ``pool`` hides it.
"""

import csv
import html
import io
import json
import operator
import os
import random
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from rerank_course.beir import CorpusError, read_jsonl, read_lines, read_qrels
from rerank_course.text import Chunk

GRADES = {3: "answers in full", 2: "answers in part", 1: "related, but does not answer", 0: "not relevant"}
PROMPT = "0–3, s to skip, b to go back one, q to stop: "
NOT_JUDGED = "–"  # the notebook's button for a chunk without a grade
WIDTH, LINES = 90, 12  # how much of a chunk is shown: columns and lines
PATIENCE = 30  # seconds to wait for another process that is saving; a save takes milliseconds

Queries = dict[str, str]
Qrels = dict[str, dict[str, int]]


class Judgements:
    """Queries and grades in a folder: ``queries.jsonl`` and ``qrels/test.tsv``, in BEIR's layout.

    With a ``corpus.jsonl`` beside them, ``rerank_course.beir.read_beir`` reads the folder. Every change is saved at once, whole or not
    at all, together with what other processes have saved there meanwhile. A folder that does not exist is made at the first change.

    Args:
        folder: where the files are or shall be.

    Attributes:
        folder: that folder.
        queries: query text by query id. Change it with ``add_query`` only.
        qrels: ``{query id: {document id: 0, 1, 2 or 3}}``. Change it with ``record`` only.

    Raises:
        CorpusError: a file is malformed or cannot be read; the message names file and line. The file stays as it is.
    """

    def __init__(self, folder: Path):
        self.folder = Path(folder)
        self.queries: Queries = {}
        self.qrels: Qrels = {}
        self.queries, self.qrels = self._load()

    def add_query(self, text: str) -> str:
        """The id of a query, which is saved if it is new: ``q1``, ``q2`` …

        White space around the text does not count: the same text gives the same id.

        Raises:
            TypeError, ValueError: the text is not a string, or empty.
            CorpusError: the folder cannot be written, or its files have become malformed.
        """
        if not isinstance(text, str):
            raise TypeError(f"A query is one string, not a {type(text).__name__}.")
        text = text.strip()
        if not text:
            raise ValueError("The query is empty. Leave empty queries out.")
        known = _id_of(text, self.queries)
        if known is not None:
            return known
        with self._change() as (queries, _):
            new = _id_of(text, queries) or _next_id(queries)  # another process may have added it meanwhile
            queries.setdefault(new, text)
        return new

    def record(self, query_id: str, document_id: str, grade: int) -> None:
        """Save the grade of a document for a query: 3 answers in full, 2 in part, 1 related, 0 not relevant. Replaces an earlier one.

        Raises:
            TypeError, ValueError: the query is unknown, the id cannot stand in a TSV file, or the grade is not 0, 1, 2 or 3.
            CorpusError: the folder cannot be written, or its files have become malformed.
        """
        grade = _check_grade(grade)
        _check_document_id(document_id)
        if query_id not in self.queries:
            raise ValueError(f"There is no query {query_id!r} in {self.folder}. Get its id from add_query(text).")
        with self._change() as (_, qrels):
            qrels.setdefault(query_id, {})[document_id] = grade

    @contextmanager
    def _change(self) -> Iterator[tuple[Queries, Qrels]]:
        """What memory and disk hold together, to be changed in the block and saved at its end; no other process writes meanwhile."""
        try:
            (self.folder / "qrels").mkdir(parents=True, exist_ok=True)
            with self._lock():
                queries, qrels = self._merged()
                yield queries, qrels
                # Queries first: a kill between the two must not leave a grade for an unknown query.
                _replace(self.folder / "queries.jsonl", self._queries_file(queries))
                _replace(self.folder / "qrels" / "test.tsv", _qrels_file(qrels))
        except Timeout:
            raise CorpusError(
                f"{self.folder} has been locked by another process for {PATIENCE} seconds; the last change was not saved. "
                "Close other notebooks and terminals that judge there, then try again."
            ) from None
        except OSError as error:
            raise CorpusError(
                f"{self.folder} cannot be written ({error}); the last change was not saved. Free disk space, or choose a folder "
                "that you may write to, for example one in your home folder."
            ) from None
        self.queries, self.qrels = queries, qrels

    def _lock(self) -> AbstractContextManager:
        return FileLock(self.folder / ".lock").acquire(timeout=PATIENCE, poll_interval=0.01)

    def _load(self) -> tuple[Queries, Qrels]:
        """Both files as they stand on disk, empty where there is none."""
        if self.folder.is_dir():
            try:
                with self._lock():  # else another process could save between the two files
                    return self._read()
            except OSError:
                pass  # a folder that may only be read cannot be locked
        return self._read()

    def _read(self) -> tuple[Queries, Qrels]:
        queries_path, qrels_path = self.folder / "queries.jsonl", self.folder / "qrels" / "test.tsv"
        try:
            queries = {row["_id"]: row["text"] for row in read_jsonl(queries_path)} if queries_path.exists() else {}
            return queries, _read_grades(qrels_path, queries) if qrels_path.exists() else {}
        except (OSError, csv.Error) as error:
            raise CorpusError(f"{self.folder} cannot be read: {error}. Check the folder, or choose another one.") from None

    def _merged(self) -> tuple[Queries, Qrels]:
        """What memory holds, overlaid with what is on disk: the disk is newer where they differ."""
        queries, qrels = self._read()
        ids = [*self.qrels, *(query for query in qrels if query not in self.qrels)]
        return self.queries | queries, {query: self.qrels.get(query, {}) | qrels.get(query, {}) for query in ids}

    def _queries_file(self, queries: Queries) -> str:
        """The file as it is and a line for each query that it lacks, so that metadata in its lines stays."""
        path = self.folder / "queries.jsonl"
        lines = path.read_text(encoding="utf-8").rstrip("\n").split("\n") if path.exists() else []
        on_disk = {row["_id"] for row in read_jsonl(path)} if path.exists() else set()
        lines += [_json_line({"_id": query, "text": text}) for query, text in queries.items() if query not in on_disk]
        return "".join(f"{line}\n" for line in lines if line)


def pool(rankings: Sequence[list[tuple[Chunk, float]]], depth: int = 10) -> list[Chunk]:
    """The first ``depth`` of each ranking, each document once, in an order that does not tell which system found what.

    The order is drawn at random with the documents' ids as the seed: the same documents always come in the same order.

    Args:
        rankings: one for each system, for the same query: ``[(chunk, score), …]``, best first.
        depth: how many to take from each, at least 1.

    Raises:
        TypeError: ``rankings`` is not a list of rankings.
        ValueError: ``depth`` is less than 1.
    """
    if depth < 1:
        raise ValueError(f"depth must be at least 1, not {depth}.")
    rankings = list(rankings)
    if not all(isinstance(ranking, list) for ranking in rankings):
        raise TypeError("rankings must be a list of rankings, each a list of (chunk, score). For one ranking: pool([ranking]).")
    chunks = _distinct(chunk for ranking in rankings for chunk, _ in ranking[:depth])
    chunks.sort(key=lambda chunk: chunk.id)  # the order of the systems must leave no trace
    random.Random("\n".join(chunk.id for chunk in chunks)).shuffle(chunks)
    return chunks


def judge_in_terminal(
    judgements: Judgements,
    queries: Sequence[str],
    find: Callable[[str], list[Chunk]],
    *,
    ask: Callable[[str], str] = input,
    show: Callable[[str], None] = print,
) -> int:
    """Ask for a grade of each chunk found for each query, and save each answer at once. Chunks that have a grade are not asked for again.

    Going back shows the chunk before once more, also across queries; skipping it then leaves its grade as it is. The end of the input,
    Ctrl-C and ``q`` stop; the same call goes on there.

    Args:
        judgements: where the grades go.
        queries: query texts.
        find: gives the chunks to judge for a query text, for example ``lambda text: pool([bm25.search(text), dense.search(text)])``.
        ask: gives a line of input for a prompt.
        show: prints a text.

    Returns:
        How many chunks were graded in this call; one that was graded twice counts once.

    Raises:
        TypeError: ``queries`` is one string, or ``find`` gives something other than chunks.
        CorpusError: the folder cannot be written. Grades given before are saved.
    """
    if isinstance(queries, str):
        raise TypeError("queries must be a list of strings, not one string. Put it in a list: [query].")
    graded: set[tuple[str, str]] = set()
    show("Grades: " + "; ".join(f"{grade} {meaning}" for grade, meaning in GRADES.items()) + ".")
    try:
        finished = _ask_all(judgements, _to_judge(judgements, list(queries), find, show), graded, ask, show)
    except KeyboardInterrupt:
        show("")  # the cursor still stands behind the prompt
        finished = False
    end = "Done. Chunks that you skipped come up again in the next run." if finished else "Stopped. To go on from here, run the same call again."
    show(f"{end} Graded in this run: {len(graded)}. All grades are saved in {judgements.folder}.")
    return len(graded)


def judge_in_notebook(judgements: Judgements, query: str, chunks: Sequence[Chunk]) -> Any:
    """A widget with one row for each chunk: its text and a button for each grade; each click is saved at once.

    Args:
        judgements: where the grades go; grades that are there already are shown.
        query: the query's text, which is added if it is new.
        chunks: what to judge, for example from ``pool``.

    Returns:
        An ``ipywidgets.VBox``. Its first child shows the query and the grades' meaning; each other child is the row of one chunk, a
        ``VBox`` of the text (``HTML``) and an ``HBox`` of the ``ToggleButtons`` (value ``"–"``, 0, 1, 2 or 3) and a message (``HTML``).

    Raises:
        TypeError: ``chunks`` holds something other than chunks, or the query is not a string.
        CorpusError: the folder cannot be written.
    """
    import ipywidgets

    chunks = _distinct(chunks)
    query_id = judgements.add_query(query)
    meanings = "; ".join(f"{grade} {meaning}" for grade, meaning in GRADES.items())
    header = ipywidgets.HTML(f"<b>{html.escape(query.strip())}</b><br>{len(chunks)} chunks to judge: {html.escape(meanings)}.")
    return ipywidgets.VBox([header, *(_row(judgements, query_id, chunk) for chunk in chunks)])


def _row(judgements: Judgements, query_id: str, chunk: Chunk) -> Any:
    """The widget of one chunk, which saves a grade when its buttons change."""
    import ipywidgets

    grade = judgements.qrels.get(query_id, {}).get(chunk.id, NOT_JUDGED)
    title, *lines = (html.escape(line) for line in _shown(chunk))
    text = ipywidgets.HTML(f'<b>{title}</b><pre style="white-space: pre-wrap">{chr(10).join(lines)}</pre>')
    buttons = ipywidgets.ToggleButtons(options=[NOT_JUDGED, *sorted(GRADES)], value=grade, style={"button_width": "3em"})
    message = ipywidgets.HTML()

    def save(change: dict) -> None:
        saved = judgements.qrels.get(query_id, {}).get(chunk.id, NOT_JUDGED)
        if change["new"] == saved:
            return
        try:
            if change["new"] == NOT_JUDGED:
                raise ValueError("A grade can be changed, not taken back.")
            judgements.record(query_id, chunk.id, change["new"])
            message.value = "saved"
        except ValueError as error:  # a notebook hides what a callback raises; the button must not show a grade that was not saved
            buttons.value = saved
            message.value = html.escape(f"Not saved: {error}")

    buttons.observe(save, names="value")
    return ipywidgets.VBox([text, ipywidgets.HBox([buttons, message])])


@dataclass(frozen=True)
class _Item:
    """One chunk to judge for one query; ``place`` says where it stands: ``3 of 17``."""

    heading: str
    query_id: str
    chunk: Chunk
    place: str


def _to_judge(judgements: Judgements, queries: list[str], find: Callable, show: Callable[[str], None]) -> Iterator[_Item]:
    """The chunks without a grade, query by query; a query is searched only when it is reached."""
    for number, query in enumerate(queries, start=1):
        query_id = judgements.add_query(query)
        heading = f"Query {number} of {len(queries)}: {_one_line(query)}"
        chunks = _distinct(find(query))
        if all(chunk.id in judgements.qrels.get(query_id, {}) for chunk in chunks):
            show(f"\n{heading}\n" + ("All its chunks are judged." if chunks else "Nothing was found, so there is nothing to judge."))
        for place, chunk in enumerate(chunks, start=1):
            if chunk.id not in judgements.qrels.get(query_id, {}):
                yield _Item(heading, query_id, chunk, f"{place} of {len(chunks)}")


def _ask_all(judgements: Judgements, items: Iterator[_Item], graded: set, ask: Callable[[str], str], show: Callable[[str], None]) -> bool:
    """Ask for each item, back and forth; ids of what is graded go into ``graded``. ``False`` if the person stopped before the end."""
    seen: list[_Item] = []
    at = 0
    while True:
        if at == len(seen):
            item = next(items, None)
            if item is None:
                return True
            seen.append(item)
        item = seen[at]
        show(_card(item, judgements.qrels.get(item.query_id, {}).get(item.chunk.id)))
        answer = _ask_grade(ask, show, is_first=at == 0)
        if answer == "q":
            return False
        if answer in "0123":
            judgements.record(item.query_id, item.chunk.id, int(answer))
            graded.add((item.query_id, item.chunk.id))
        at += -1 if answer == "b" else 1


def _ask_grade(ask: Callable[[str], str], show: Callable[[str], None], *, is_first: bool) -> str:
    """Ask until the answer is one of ``0 1 2 3 s b q``; the end of the input counts as ``q``."""
    while True:
        try:
            answer = ask(PROMPT).strip().lower()
        except EOFError:
            show("")
            return "q"
        if answer == "b" and is_first:
            show("This is the first chunk of this run: there is none to go back to.")
        elif answer in ("0", "1", "2", "3", "s", "b", "q"):
            return answer
        else:
            show(f"{answer!r} is not one of the answers. Type 0, 1, 2 or 3 for a grade, or s, b or q, then Enter.")


def _card(item: _Item, grade: int | None) -> str:
    """What is shown of one chunk."""
    title, *lines = _shown(item.chunk)
    so_far = [] if grade is None else [f"(Its grade so far is {grade}; s keeps it.)"]
    return "\n".join(["", item.heading, f"{item.place} – {title}", "", *lines, "", *so_far])


def _shown(chunk: Chunk) -> list[str]:
    """The title (without one, the id) and then at most ``LINES`` lines of the text, without its blank lines."""
    lines = [piece for line in chunk.text.splitlines() for piece in textwrap.wrap(_printable(line.expandtabs(4)), WIDTH)]
    if len(lines) > LINES:
        lines[LINES - 1 :] = [f"[… {len(lines) - LINES + 1} more lines]"]
    return [_one_line(chunk.title or chunk.id), *lines]


def _one_line(text: str) -> str:
    return _printable(" ".join(text.split()))


def _printable(text: str) -> str:
    """Without control characters, which could move a terminal's cursor or change its colours."""
    return "".join(character if character.isprintable() or character.isspace() else "\N{REPLACEMENT CHARACTER}" for character in text)


def _distinct(chunks: Iterable[Chunk]) -> list[Chunk]:
    """Each document once, the first of those with the same id."""
    found: dict[str, Chunk] = {}
    for chunk in chunks:
        if not isinstance(chunk, Chunk):
            raise TypeError(f"Expected chunks to judge, found a {type(chunk).__name__}. Make them out of rankings with pool([ranking, …]).")
        found.setdefault(chunk.id, chunk)
    return list(found.values())


def _check_grade(grade: Any) -> int:
    try:
        if isinstance(grade, bool):
            raise TypeError
        number = operator.index(grade)
    except TypeError:
        raise TypeError(f"A grade is a whole number from 0 to 3, not {grade!r}.") from None
    if number not in GRADES:
        raise ValueError(f"A grade is 0, 1, 2 or 3, not {number}.")
    return number


def _check_document_id(document_id: Any) -> None:
    if not isinstance(document_id, str):
        raise TypeError(f"A document id is a string, not a {type(document_id).__name__}.")
    if not document_id or "\t" in document_id or not _fits_a_line(document_id):
        raise ValueError(f"The document id {document_id!r} is empty, or holds a tab, a line break or half a character: no TSV file can hold it.")


def _fits_a_line(text: str) -> bool:
    """Whether a text can be written as UTF-8 and is read back as one line."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return len(f"{text}.".splitlines()) == 1


def _id_of(text: str, queries: Queries) -> str | None:
    return next((query for query, known in queries.items() if known.strip() == text), None)


def _next_id(queries: Queries) -> str:
    """One more than the highest of ``q1``, ``q2`` …; ids in other forms do not count."""
    numbers = [int(query[1:]) for query in queries if query[:1] == "q" and query[1:].isdecimal()]
    return f"q{max(numbers, default=0) + 1}"


class _AnyDocument:
    """Stands for the ids of all documents where they are not known: no corpus is needed to judge."""

    def __contains__(self, document_id: object) -> bool:
        return True


def _read_grades(path: Path, queries: Queries) -> Qrels:
    """The judgements of a file, all of them 0 to 3."""
    qrels = read_qrels(path, _AnyDocument(), queries)
    rows = csv.reader(read_lines(path), delimiter="\t")
    next(rows)
    for row in rows:
        if int(row[2]) not in GRADES:
            where = f"{path}, line {rows.line_num}"
            raise CorpusError(f"{where}: a grade is 0, 1, 2 or 3, not {row[2]}. Correct the line, or judge in another folder.")
    return qrels


def _json_line(row: dict) -> str:
    """One line of JSON, in readable characters unless one of them would break the line."""
    line = json.dumps(row, ensure_ascii=False)
    return line if _fits_a_line(line) else json.dumps(row)


def _qrels_file(qrels: Qrels) -> str:
    lines = io.StringIO()
    rows = csv.writer(lines, delimiter="\t", lineterminator="\n")
    rows.writerow(["query-id", "corpus-id", "score"])
    rows.writerows([query, document, grade] for query, judged in qrels.items() for document, grade in judged.items())
    return lines.getvalue()


def _replace(path: Path, content: str) -> None:
    """Write whole or not at all. The lock is held, so the name of the temporary file can be fixed, and a kill leaves one at most."""
    if path.exists() and path.read_text(encoding="utf-8") == content:
        return
    scratch = path.with_name(f"{path.name}.part")
    with open(scratch, "w", encoding="utf-8", newline="\n") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(scratch, path)
