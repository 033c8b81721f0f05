"""The texts of HTML pages, as Markdown, and of PDF files, page by page."""

import codecs
import logging
import warnings
from pathlib import Path
from typing import Any

from rerank_course.texts.files import CorpusError, check_zeros, library, one_line, unreadable

# What is not part of a page's text. Titles in drawings are not the page's title.
_NO_TEXT = "script, style, noscript, template, nav, [role=navigation], svg, math annotation, iframe, object"
# Elements that begin a new line, which the library does not know.
_BLOCKS = "header, footer, main, aside, hgroup, address, figure, details, summary, form, fieldset, legend"
_BLOCKS += ", dialog, center, option, button"
# Tables that hold parts of a page, not data.
_LAYOUT_TABLES = "table:has(h1, h2, h3, h4, h5, h6, table)"
_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
# Browsers read these as the larger encoding on the right: https://encoding.spec.whatwg.org/#names-and-labels
_LARGER = {
    "iso-8859-1": "cp1252",
    "latin1": "cp1252",
    "us-ascii": "cp1252",
    "ascii": "cp1252",
    "iso-8859-9": "cp1254",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc-kr": "cp949",
    "utf-16": "utf-8",  # a page that can be read as far as this word is not UTF-16
}
# Stands before a # or a code fence that is text, so that it does not read as Markdown. Unicode keeps it for
# such uses: no text holds it.
_TEXT_MARK = "\ufdd0"


def html_as_markdown(path: Path) -> tuple[str, str]:
    """(title, text as Markdown) of an HTML page, without scripts, styles and navigation.

    Links become their words, pictures the words that stand for them.

    Raises:
        CorpusError: the page cannot be decoded or read, or a library is missing.
    """
    soup = _parsed(path)
    title = soup.title.extract().get_text() if soup.title else ""
    try:
        return " ".join(title.split()), _converter(path).convert_soup(soup)
    except RecursionError:
        raise CorpusError(
            f"{path} has too many elements inside one another. Save it as text or Markdown."
        ) from None


def _parsed(path: Path) -> Any:
    """The elements of a page that hold its text."""
    bs4 = library("bs4", path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a page that looks like XML, or like the name of a file
        soup = bs4.BeautifulSoup(_decoded(path), "html.parser")
    for element in soup.select(_NO_TEXT):
        element.decompose()
    for comment in soup.find_all(string=lambda text: isinstance(text, bs4.element.PreformattedString)):
        comment.extract()  # also declarations, such as <?xml …?>
    for element in soup.select(_BLOCKS):
        element.name = "div"
    for table in soup.select(_LAYOUT_TABLES):
        for part in table.select("caption, thead, tbody, tfoot, tr, td, th"):
            if part.find_parent("table") is table:
                part.name = "div"
        table.name = "div"
    return soup


def without_marks(text: str) -> str:
    """Text of ``html_as_markdown`` after it was cut, as it stands on the page."""
    return text.replace(_TEXT_MARK, "")


def _converter(path: Path) -> Any:
    """Writes the elements of a page as Markdown."""
    markdownify = library("markdownify", path)

    base: Any = markdownify.MarkdownConverter

    class Converter(base):
        def convert_a(self, el: Any, text: str, parent_tags: set[str]) -> str:
            return "" if text.strip() in ("¶", "#") else text  # a heading's link to itself

        def convert_br(self, el: Any, text: str, parent_tags: set[str]) -> str:
            return " " if "_inline" in parent_tags else "\n"

        def convert_img(self, el: Any, text: str, parent_tags: set[str]) -> str:
            return " ".join((el.get("alt") or "").split())

        def escape(self, text: str, parent_tags: set[str]) -> str:
            for marks in ("#", "```", "~~~"):
                text = text.replace(marks, _TEXT_MARK + marks)
            return text

    return Converter(heading_style=markdownify.ATX, bullets="-", strong_em_symbol="")


def _decoded(path: Path) -> str:
    """The text of a page, in the encoding that it declares, else UTF-8."""
    detector = library("bs4.dammit", path).EncodingDetector
    try:
        content = path.read_bytes()
    except OSError as error:
        raise unreadable(path, error) from None
    marked = next((name for mark, name in _MARKS.items() if content.startswith(mark)), None)
    declared = detector.find_declared_encoding(content, is_html=True)
    encoding = marked or _LARGER.get((declared or "utf-8").lower(), declared or "utf-8")
    try:
        text = content.decode(encoding)
    except (LookupError, ValueError) as error:
        reason = f"the page declares {declared!r}" if declared else "the page declares no encoding"
        raise CorpusError(
            f"{path} cannot be decoded: {reason}, and {error}. "
            "Save it as UTF-8, or correct its <meta charset>."
        ) from None
    check_zeros(text, path)
    return text


def pdf_pages(path: Path) -> list[str]:
    """The text of each page of a PDF file; empty for one that is a picture.

    Raises:
        CorpusError: the file is locked or broken, or the library is missing.
    """
    pypdf = library("pypdf", path)
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it reports each small fault that it gets over
    try:
        with path.open("rb") as file:
            reader = pypdf.PdfReader(file)
            if reader.is_encrypted and not reader.decrypt(""):
                raise _locked(path)
            return [whole_characters(page.extract_text()) for page in reader.pages]
    except CorpusError:
        raise
    except (pypdf.errors.DependencyError, pypdf.errors.FileNotDecryptedError):
        raise _locked(path) from None
    except OSError as error:
        raise unreadable(path, error) from None
    except Exception as error:  # a broken file can raise anything here
        raise CorpusError(
            f"{path} cannot be read as PDF: {one_line(error)}. Open it, and print or save it as PDF anew."
        ) from None


def _locked(path: Path) -> CorpusError:
    return CorpusError(
        f"{path} is encrypted. Save it without a password: open it and print it as PDF, or run "
        "qpdf --decrypt IN OUT."
    )


def whole_characters(text: str) -> str:
    """Text without bytes of 0, and with a mark in place of half characters, as bad fonts give them."""
    return text.replace("\0", "").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
