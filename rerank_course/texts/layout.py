"""Where the files of a collection stand in a folder in BEIR's layout, packed by gzip or not."""

import gzip
import zlib
from pathlib import Path

from rerank_course.texts.files import GZIP_ENDING, CorpusError

CORPUS_FILE, QUERIES_FILE, QRELS_FILE = "corpus.jsonl", "queries.jsonl", "qrels/test.tsv"
_QRELS_ENDINGS = (".tsv", ".txt", ".qrels", ".qrel", ".trec", ".jsonl", "")
_BLOCK = 1 << 20  # bytes that are compared at a time
_TEXTS = ".texts"  # test.texts.tsv says which texts the grades of test.tsv were given for


def file_in(folder: Path, name: str) -> Path | None:
    """A file of a folder, or the same packed by gzip; ``None`` if neither is there.

    Raises:
        CorpusError: both are there, and they differ.
    """
    plain, packed = folder / name, folder / (name + GZIP_ENDING)
    if plain.is_file() and packed.is_file() and not _same_content(plain, packed):
        raise CorpusError(f"{plain} and {packed} are both there, and they differ. Put one of them elsewhere.")
    return next((path for path in (plain, packed) if path.is_file()), None)


def _same_content(plain: Path, packed: Path) -> bool:
    try:
        with plain.open("rb") as first, gzip.open(packed) as second:
            while (block := first.read(_BLOCK)) == second.read(_BLOCK):
                if not block:
                    return True
    except (OSError, EOFError, zlib.error):
        pass
    return False


def is_beir(folder: Path) -> bool:
    """Whether a folder holds a collection in BEIR's layout."""
    return file_in(folder, CORPUS_FILE) is not None


def collections_in(folder: Path) -> list[str]:
    """Names of the folders right in this one that hold collections, as CQADupStack is published."""
    return sorted(inner.name for inner in folder.iterdir() if inner.is_dir() and is_beir(inner))


def qrels_file(folder: Path, split: str = "test") -> Path | None:
    """The judgements of a split: ``qrels/test.tsv``, ``qrels.txt`` or the like, whatever layout they have.

    ``None`` if the folder holds no judgements at all.

    Raises:
        CorpusError: there are judgements of other splits only, or two files of this one.
    """
    names = [f"qrels/{split}", f"qrels.{split}"] + ["qrels"] * (split == "test")
    stems = names if _is_name(split) else []
    files = (file_in(folder, name + ending) for name in stems for ending in _QRELS_ENDINGS)
    found = list(filter(None, files))
    if len(found) > 1:
        raise CorpusError(
            f"{found[0]} and {found[1]} both hold judgements of the split {split!r}. "
            "Put one of them elsewhere."
        )
    if found:
        return found[0]
    others = splits(folder)
    if others or split != "test":
        raise CorpusError(
            f"{folder} has no judgements of the split {split!r}: there is no {folder / 'qrels' / split}.tsv. "
            f"It has: {', '.join(others) or 'no judgements at all'}."
            + (f" Choose one, for example --split {others[0]}." if others else "")
        )
    odd = [stem + ending for stem, ending in _judgement_files(folder) if ending != ".part"]
    if odd:  # a .part is what a save leaves that was cut off
        raise CorpusError(
            f"{folder / 'qrels'} holds {', '.join(odd[:5])}, which is not a form of judgements that can be "
            f"read. Save them as {QRELS_FILE}, with tabs between query, document and grade."
        )
    return None


def _is_name(split: str) -> bool:
    unfit = {*_QRELS_ENDINGS, _TEXTS} - {""}
    return split not in ("", ".", "..") and Path(split).name == split and Path(split).suffix not in unfit


def splits(folder: Path) -> list[str]:
    """The splits that a folder has judgements of, sorted."""
    return sorted({stem for stem, ending in _judgement_files(folder) if ending in _QRELS_ENDINGS})


def _judgement_files(folder: Path) -> list[tuple[str, str]]:
    """(name without ending, ending) of the files in the folder of judgements."""
    names = [path.name for path in folder.glob("qrels/*") if path.is_file() and path.name[0] != "."]
    paths = [Path(name.removesuffix(GZIP_ENDING)) for name in names]
    return sorted((path.stem, path.suffix) for path in paths if not path.stem.endswith(_TEXTS))
