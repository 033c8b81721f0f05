"""The live parts of the website: scripts, libraries, models, and where an explorer stands on which page."""

import json
import shutil
from hashlib import sha256
from pathlib import Path

from tools.site import libraries
from tools.site.explorers import placements
from tools.site.graphs import EMBEDDER, RERANKER, TOKENIZER, graphs_folder

FOLDER = Path("_static") / "live"
PLACEMENTS = "live.json"  # in the copy that Sphinx reads; docs/site/live_pages.py puts them into the pages
MODELS = {"reranker": RERANKER, "embedder": EMBEDDER, "tokenizer": TOKENIZER}


def prepare(source: Path, root: Path) -> str | None:
    """Lay scripts, style and placements into what Sphinx reads; ``None``, or why there are no live parts.

    Raises:
        ExplorerError: a lesson has no longer what an explorer shows.
    """
    site = root / "site"
    if not (site / "package.json").exists():
        return "there is no folder site/"
    try:
        libraries.install(site)
    except libraries.NoLibrariesError as error:
        return str(error)
    scripts = source / FOLDER
    shutil.copytree(site / "src", scripts, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.ts", "*.mts"))
    shutil.copyfile(site / "styles" / "live.css", scripts / "live.css")
    (source / PLACEMENTS).write_text(json.dumps(placements(root), ensure_ascii=False), encoding="utf-8")
    return None


def add_models(target: Path, root: Path) -> None:
    """Put libraries, graphs and the list of both into the built website.

    A file's name holds the beginning of its SHA-256, so a page never takes an older one from a cache.

    Raises:
        WeightsError: as ``graphs_folder``.
    """
    live, graphs = target / FOLDER, graphs_folder()
    libraries.copy(root / "site", live / "vendor")
    (live / "models").mkdir(parents=True, exist_ok=True)
    package, file, _ = libraries.WASM
    sources = {"wasm": root / "site" / "node_modules" / package / file}
    sources |= {name: graphs / file for name, file in MODELS.items()}
    files = {}
    for name, source in sources.items():
        digest = sha256(source.read_bytes()).hexdigest()
        path = f"models/{source.stem}-{digest[:12]}{source.suffix}"
        shutil.copyfile(source, live / path)
        files[name] = {"path": path, "bytes": source.stat().st_size, "sha256": digest}
    (live / "models.json").write_text(json.dumps(files, indent=1), encoding="utf-8")
