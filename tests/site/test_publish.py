"""What a published website needs: addresses from one setting, cards, a workflow, a search that finds."""

import json
import os
import re
import shutil
import struct
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import nbformat
import pytest
from docutils import nodes
from sphinx.errors import ConfigError
from sphinx.search.en import SearchEnglish

from tests.site.live_page import OUTLINE
from tests.site.sphinx_extensions import extension
from tests.support import ROOT

ADDRESS = "https://example.org/course/"
TEXT = "A question, and which of these texts answers it best: that is what this small page is about."
WORD = re.compile(r"\w+")


@pytest.fixture(scope="module")
def publishing():
    return extension("publishing")


def built(folder, address):
    """A small website with the course's template and extension, whose address is ``address``."""
    source = folder / "source"
    (source / "part").mkdir(parents=True)
    (source / "solutions").mkdir()
    shutil.copytree(ROOT / "docs" / "site" / "_templates", source / "_templates")
    shutil.copyfile(ROOT / "docs" / "site" / "publishing.py", source / "publishing.py")
    (source / "conf.py").write_text(
        "import sys\nfrom pathlib import Path\nsys.path.insert(0, str(Path(__file__).parent))\n"
        "project = 'Small: a course'\nextensions = ['publishing']\ntemplates_path = ['_templates']\n",
        encoding="utf-8",
    )
    (source / "index.rst").write_text(
        f"First & last\n============\n\n{TEXT}\n\n.. toctree::\n   part/two\n   solutions/ex02\n",
        encoding="utf-8",
    )
    for name in ("part/two", "solutions/ex02"):
        (source / f"{name}.rst").write_text("Second\n======\n\nShort.\n", encoding="utf-8")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", str(source), str(folder / "out")]
    run = subprocess.run(
        command,
        env=os.environ | {"COURSE_SITE_URL": address},
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    return run, folder / "out"


@pytest.mark.heavy
def test_all_addresses_come_from_one_setting(tmp_path):
    run, site = built(tmp_path, ADDRESS.rstrip("/"))
    assert run.returncode == 0, run.stderr
    page = (site / "index.html").read_text(encoding="utf-8")
    assert f'<link rel="canonical" href="{ADDRESS}index.html" />' in page
    for property_, content in (
        ("og:url", f"{ADDRESS}index.html"),
        ("og:title", "First &amp; last"),
        ("og:description", TEXT),
        ("og:image", f"{ADDRESS}_static/card.png"),
    ):
        assert f'<meta property="{property_}" content="{content}"/>' in page, property_
    assert f'<meta name="description" content="{TEXT}"/>' in page
    assert f"{ADDRESS}part/two.html" in (site / "part" / "two.html").read_text(encoding="utf-8")
    places = [
        place.text for place in ElementTree.parse(site / "sitemap.xml").iter() if (place.text or "").strip()
    ]
    assert places == [f"{ADDRESS}index.html", f"{ADDRESS}part/two.html"]  # and no solution
    assert f"Sitemap: {ADDRESS}sitemap.xml" in (site / "robots.txt").read_text(encoding="utf-8")
    card = (site / "_static" / "card.png").read_bytes()
    assert struct.unpack(">II", card[16:24]) == (1200, 630) and (site / ".nojekyll").exists()


@pytest.mark.heavy
def test_without_the_setting_nothing_names_an_address(tmp_path):
    run, site = built(tmp_path, "")
    assert run.returncode == 0, run.stderr
    page = (site / "index.html").read_text(encoding="utf-8")
    assert "og:" not in page and "canonical" not in page and "twitter" not in page
    assert not {"sitemap.xml", "robots.txt"} & {path.name for path in site.iterdir()}
    assert not (site / "_static" / "card.png").exists()


@pytest.mark.heavy
def test_a_wrong_address_stops_the_build(tmp_path):
    run, _ = built(tmp_path, "example.org")
    assert run.returncode != 0 and "COURSE_SITE_URL is 'example.org'" in run.stderr


@pytest.mark.parametrize("given", ["example.org", "ftp://example.org/", "https://", "https://a.org/?q=1"])
def test_only_web_addresses_are_taken(publishing, given):
    with pytest.raises(ConfigError, match="COURSE_SITE_URL"):
        publishing.site_address(given)


def test_an_address_ends_with_one_slash(publishing):
    assert publishing.site_address("") == publishing.site_address("  ") == ""
    assert {publishing.site_address(f"https://a.org/b{end}") for end in ("", "/", "// ")} == {
        "https://a.org/b/"
    }


def test_a_description_is_the_first_paragraph_that_says_something(publishing):
    page = nodes.section("", nodes.paragraph(text="Short."), nodes.paragraph(text="word " * 100))
    found = publishing.describe(page, "other")
    assert found.startswith("word word") and found.endswith("word …") and len(found) <= 202
    assert publishing.describe(None, "other") == "other"


@pytest.mark.heavy
@pytest.mark.parametrize("name", ["ci.yml", "pages.yml"])
def test_the_workflows_are_what_the_forge_reads(name):
    schema = ["check-jsonschema", "--builtin-schema", "vendor.github-workflows"]
    command = [sys.executable, "-m", schema[0].replace("-", "_"), *schema[1:]]
    run = subprocess.run(
        [*command, str(ROOT / ".github" / "workflows" / name)],
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert run.returncode == 0, run.stdout + run.stderr


# What the search finds


@pytest.fixture(scope="module")
def index(site):
    text = (site / "searchindex.js").read_text(encoding="utf-8")
    return json.loads(text.removeprefix("Search.setIndex(").removesuffix(")"))


def pages_with(index, word):
    """The pages that the built index has for a word, as the search looks it up."""
    stem = SearchEnglish({}).stem(word.lower())
    found = index["terms"].get(stem, [])
    titles = index["titleterms"].get(stem, [])
    numbers = {number for some in (found, titles) for number in ([some] if isinstance(some, int) else some)}
    return {index["docnames"][number] for number in numbers}


@pytest.mark.heavy
@pytest.mark.parametrize("lesson", OUTLINE.lessons, ids=lambda lesson: lesson.name)
def test_the_search_finds_words_that_stand_in_code_only(index, lesson):
    cells = nbformat.read(ROOT / "notebooks" / lesson.file, as_version=4).cells
    words = {
        kind: {
            word
            for cell in cells
            if (cell.cell_type == "code") == kind
            for word in WORD.findall(cell.source)
            if len(word) > 5 and word.isascii() and not word[0].isdigit()
        }
        for kind in (True, False)
    }
    only = sorted(words[True] - {word.lower() for word in words[False]} - words[False])
    page = f"notebooks/{lesson.file[:-6]}"
    missing = [word for word in only if page not in pages_with(index, word)]
    assert len(only) > 5 and missing == []


@pytest.mark.heavy
def test_the_search_finds_every_term_of_the_glossary(index):
    text = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    terms = re.findall(r"^#+ (.+)$", text, re.MULTILINE)[1:]
    assert len(terms) > 40
    for term in terms:
        words = [word for word in WORD.findall(term) if len(word) > 3 and word.isascii()]
        for word in words:
            assert "docs/glossary" in pages_with(index, word), word
    assert {term.replace("`", "") for term in terms} <= set(index["alltitles"])
