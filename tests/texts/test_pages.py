"""HTML pages, PDF files, Parquet and DataFrames."""

import builtins
import io

import pandas as pd
import pytest
from pypdf import PdfWriter
from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

from rerank_course.text import Chunk
from rerank_course.texts import files
from rerank_course.texts.documents import read_documents
from rerank_course.texts.files import CorpusError
from rerank_course.texts.pages import whole_characters

pytestmark = pytest.mark.usefixtures("no_warnings")

PAGE = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>
  Opening hours &ndash; Library</title>
<style>p { color: red }</style><script>let a = "<p>no</p>"</script></head>
<body><header>The library</header><nav><a href="/">Home</a></nav><div role="navigation">More</div>
<noscript>Switch on scripts.</noscript><svg><title>A drawing</title><text>no</text></svg>
<p>We open at <b>nine</b>. See <a href="https://a.example/x_y">the plan</a>.</p>
<h1>Rules<a class="headerlink" href="#rules">¶</a></h1><p>Be quiet.</p>
<h2>Cards <em>and</em> fees</h2><ul><li>Cards are free.</li><li>Fees: 2*3_4 &lt; 7</li></ul>
<p># no heading</p><p>``` no fence</p><pre><code># a comment
make</code></pre><img src="x.png" alt="A map"><footer>Ask us.</footer></body></html>"""


def titled(documents):
    return {key: (chunk.title, chunk.text) for key, chunk in documents.items()}


def test_a_page_is_cut_at_its_headings(file):
    assert titled(read_documents(file("opening hours.html", PAGE))) == {
        "opening hours.html#1": (
            "Opening hours – Library",
            "The library\n\nWe open at nine. See the plan.",
        ),
        "opening hours.html#2": ("Rules", "Be quiet."),
        "opening hours.html#3": (
            "Rules > Cards and fees",
            "- Cards are free.\n- Fees: 2*3_4 < 7\n\n# no heading\n\n``` no fence\n\n"
            "```\n# a comment\nmake\n```\n\nA map\n\nAsk us.",
        ),
    }


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('<meta charset="iso-8859-1"><p>Grüße – “ja”'.encode("cp1252"), "Grüße – “ja”"),
        (
            '<meta http-equiv="x" content="text/html; charset=windows-1251"><p>Привет'.encode("cp1251"),
            "Привет",
        ),
        ("<!-- no --><p>a<!-- no -->b<![CDATA[no]]>", "ab"),
        ('<?xml version="1.0" encoding="shift_jis"?><p>図書館①'.encode("cp932"), "図書館①"),
        ('<meta charset="gb2312"><p>图书馆'.encode("gb18030"), "图书馆"),
        ("<p>Grüße".encode(), "Grüße"),
        (b"\xef\xbb\xbf" + '<meta charset="latin1"><p>Grüße'.encode(), "Grüße"),
        ('<meta charset="utf-16"><p>Grüße'.encode(), "Grüße"),
        ("<p>Grüße".encode("utf-16"), "Grüße"),
        ("<p>one<br>two<p>three", "one\ntwo\n\nthree"),
        ("just text &amp; more", "just text & more"),
        ("<p>unclosed <b>bold<p>next <div>end", "unclosed bold\n\nnext\n\nend"),
        ("<article><header><h3>T</h3></header><section>x</section></article>", "x"),
        ("<table><tr><th>a</th></tr><tr><td>b</td></tr></table>", "| a |\n| --- |\n| b |"),
        ("<select><option>a</option><option>b</option></select>", "a\n\nb"),
    ],
)
@pytest.mark.parametrize("name", ["a.html", "A.HTM"])
def test_pages_that_are_read(file, name, content, expected):
    (chunk,) = read_documents(file(name, content)).values()
    assert chunk.id == f"{name}#1" and chunk.text == expected and chunk.title in ("a", "A", "T")


def test_a_page_that_is_laid_out_in_tables_has_headings_too(file):
    data = "<table><tr><th>day</th></tr><tr><td>Monday</td></tr></table>"
    rows = f"<tr><td>menu</td><td><h1>Hours</h1>{data}</td></tr><tr><td><h2>Cards</h2>free</td></tr>"
    page = f"<table>{rows}</table>"
    assert list(titled(read_documents(file("a.html", page))).values()) == [
        ("a", "menu"),
        ("Hours", "| day |\n| --- |\n| Monday |"),
        ("Hours > Cards", "free"),
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('<meta charset="a\0b"><p>x', "cannot be decoded|bytes of 0"),
        (
            "<p>Grüße".encode("latin-1"),
            r"a\.html cannot be decoded: the page declares no encoding.*Save it as UTF-8",
        ),
        ('<meta charset="utf-8"><p>Grüße'.encode("latin-1"), "the page declares 'utf-8', and .*0xfc"),
        ('<meta charset="klingon"><p>x', "the page declares 'klingon', and unknown encoding"),
        ("<p>x".encode("utf-16-le"), "bytes of 0"),
        ("<script>all()</script><nav>Home</nav>", r"a\.html has no text in it\.$"),
        ("<title>only</title>", "has no text"),
        ("", "has no text"),
        ("<div>" * 3000 + "x", "too many elements inside one another"),
    ],
)
def test_a_page_that_cannot_be_read_is_named(file, content, message):
    with pytest.raises(CorpusError, match=message):
        read_documents(file("a.html", content))


def pdf(*texts: str | None, password: tuple[str, str] | None = None) -> bytes:
    """A PDF file with one page a text; ``None`` is a page without any."""
    writer = PdfWriter()
    font = DictionaryObject(
        {NameObject("/Type"): NameObject("/Font"), NameObject("/Subtype"): NameObject("/Type1")}
        | {NameObject("/BaseFont"): NameObject("/Helvetica")}
    )
    for text in texts:
        page = writer.add_blank_page(300, 300)
        page[NameObject("/Resources")] = DictionaryObject(
            {NameObject("/Font"): DictionaryObject({NameObject("/F1"): font})}
        )
        if text is not None:
            stream = DecodedStreamObject()
            lines = " T* ".join(f"({line}) Tj" for line in text.split("\n"))
            stream.set_data(f"BT /F1 12 Tf 14 TL 20 200 Td {lines} ET".encode("latin-1"))
            page[NameObject("/Contents")] = writer._add_object(stream)
    if password:
        writer.encrypt(*password, algorithm="RC4-128")
    target = io.BytesIO()
    writer.write(target)
    return target.getvalue()


def test_a_pdf_page_after_page(file):
    documents = read_documents(
        file("my report.pdf", pdf("We open at nine.\n# not a heading", "Cards are free."))
    )
    assert titled(documents) == {
        "my report.pdf#1": ("my report", "We open at nine.\n# not a heading"),
        "my report.pdf#2": ("my report", "Cards are free."),
    }


def test_a_long_page_is_cut(file):
    documents = read_documents(file("a.pdf", pdf("\n".join(["word " * 10] * 45), "end")))
    assert list(documents) == ["a.pdf#1", "a.pdf#2", "a.pdf#3", "a.pdf#4"]
    assert documents["a.pdf#4"].text == "end"


def test_pages_without_text_are_counted(file):
    path = file("a.pdf", pdf(None, "words", None))
    with pytest.warns(
        UserWarning, match=r"pages without text \(pictures\?\): 2 \(the first is .*a\.pdf, page 1"
    ):
        assert titled(read_documents(path)) == {"a.pdf#1": ("a", "words")}


def test_a_pdf_that_only_the_owner_may_change_is_read(file):
    assert len(read_documents(file("a.pdf", pdf("words", password=("", "owner"))))) == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (pdf(None, None), "a.pdf has no text in it. .*OCR"),
        (pdf("words", password=("secret", "owner")), r"a\.pdf is encrypted\. Save it without a password"),
        (b"", r"a\.pdf cannot be read as PDF: .*save it as PDF anew"),
        (b"not a PDF at all", "cannot be read as PDF"),
        (pdf("words")[:200], "cannot be read as PDF"),
        (b"%PDF-1.7\n%%EOF", "cannot be read as PDF"),
        (pdf("words").replace(b"/Kids", b"/Kidz"), "cannot be read as PDF|no text"),
    ],
)
def test_a_pdf_that_cannot_be_read_is_named(file, content, message):
    with pytest.raises(CorpusError, match=message):
        read_documents(file("a.pdf", content))


def test_half_characters_and_zeros_as_bad_fonts_give_them():
    assert whole_characters("a\0 \ud83d b \ud83d\ude42 é") == "a \ufffd b \U0001f642 é"


def test_a_folder_of_many_kinds(file, tmp_path):
    file("notes/a b.pdf", pdf("from PDF"))
    file("notes/c.html", "<h1>H</h1>from HTML")
    file("notes/d.md", "from Markdown")
    file("notes/sub/e.htm", "<p>from a page further down")
    file("notes/scan.pdf", pdf(None))
    with pytest.warns(UserWarning, match="left out were") as caught:
        documents = read_documents(tmp_path / "notes")
    assert titled(documents) == {
        "a b.pdf#1": ("a b", "from PDF"),
        "c.html#1": ("H", "from HTML"),
        "d.md#1": ("d", "from Markdown"),
        "sub/e.htm#1": ("e", "from a page further down"),
    }
    (warning,) = caught
    assert "pages without text (pictures?): 1" in str(warning.message)
    assert "files without text: 1" in str(warning.message)


@pytest.mark.parametrize(
    ("name", "missing"),
    [("a.html", "bs4"), ("a.html", "markdownify"), ("a.pdf", "pypdf"), ("a.parquet", "pyarrow")],
)
def test_a_library_that_is_missing_is_named_with_what_to_install(file, monkeypatch, name, missing):
    def find(wanted):
        if wanted.partition(".")[0] == missing:
            raise ImportError(f"No module named {wanted!r}")
        return builtins.__import__(wanted, fromlist=["x"])

    monkeypatch.setattr(files, "import_module", find)
    message = rf"{name} cannot be read without {missing} .*pip install \"beautifulsoup4"
    with pytest.raises(CorpusError, match=message):
        read_documents(file(name, "<p>x"))


FRAME = pd.DataFrame({"ID": [7, 8], "Title": ["T", None], "text": ["one", "two"], "vector": [[1.0], [2.0]]})


def test_a_frame_and_the_same_as_parquet(tmp_path):
    expected = {"7": Chunk("7", "one", "T"), "8": Chunk("8", "two")}
    assert read_documents(FRAME) == expected
    FRAME.to_parquet(tmp_path / "my texts.parquet")
    assert read_documents(tmp_path / "my texts.parquet") == expected
    FRAME.to_parquet(tmp_path / "B.PARQUET", index=False)
    assert read_documents(tmp_path / "B.PARQUET") == expected


@pytest.mark.parametrize("way", ["frame", "parquet"])
@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (pd.DataFrame({"text": ["a", "b"]}), {"row-1": ("", "a"), "row-2": ("", "b")}),
        (pd.DataFrame({"text": ["a", "b"]}, index=["x", "y"]), {"row-1": ("", "a"), "row-2": ("", "b")}),
        (
            pd.DataFrame({"text": ["a", "b"]}, index=pd.Index(["x", "y"], name="_id")),
            {"x": ("", "a"), "y": ("", "b")},
        ),
        (pd.DataFrame({"text": ["a"]}, index=pd.Index([3], name="ID")), {"3": ("", "a")}),
        (pd.DataFrame({"text": ["a"]}, index=pd.Index(["x"], name="title")), {"row-1": ("", "a")}),
        (
            pd.DataFrame({"text": ["a"]}, index=pd.MultiIndex.from_tuples([("x", 1)], names=["id", "part"])),
            {"x": ("", "a")},
        ),
        (pd.DataFrame({"Unnamed: 0": [5], "page_content": ["a"], "": ["x"]}), {"row-1": ("", "a")}),
        (
            pd.DataFrame({"id": pd.array([1, None], "Int64"), "text": ["a", "b"]}),
            {"1": ("", "a"), "row-2": ("", "b")},
        ),
        (pd.DataFrame({"id": ["doc one"], "title": [1984], "text": ["a"]}), {"doc one": ("1984", "a")}),
        (pd.DataFrame({"text": pd.Categorical(["a"]), "title": [float("nan")]}), {"row-1": ("", "a")}),
        (pd.DataFrame({"text": [" a\r\nb "]}), {"row-1": ("", "a\nb")}),
    ],
)
def test_frames_that_are_read(tmp_path, way, frame, expected):
    if way == "parquet":
        frame.to_parquet(tmp_path / "a.parquet")
    assert titled(read_documents(tmp_path / "a.parquet" if way == "parquet" else frame)) == expected


def test_a_damaged_parquet_file_is_named(tmp_path):
    path = tmp_path / "a.parquet"
    pd.DataFrame({"text": ["The lift is out of order."]}).to_parquet(path, compression=None)
    content = path.read_bytes()
    for damaged in (content.replace(b"lift", b"l\xfft"), content[:-9], content[9:], b""):
        path.write_bytes(damaged)
        with pytest.raises(CorpusError, match=r"a\.parquet cannot be read as Parquet: .*Write it anew"):
            read_documents(path)


def test_rows_without_text_are_left_out():
    frame = pd.DataFrame({"text": ["a", None, float("nan"), pd.NA, pd.NaT, "\u200b"]})
    with pytest.warns(
        UserWarning, match=r"^the DataFrame: .*without text: 5 \(the first is the DataFrame, row 2\)"
    ):
        assert list(read_documents(frame)) == ["row-1"]


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (
            pd.DataFrame({"titel": ["a"], 5: ["b"]}),
            "the DataFrame: no column holds the text. Found: 'titel', '5'",
        ),
        (pd.DataFrame({("a", "text"): ["b"]}), "no column holds the text"),
        (
            pd.DataFrame({"text": ["a"], "Text": ["b"]}),
            "the column 'text' is there 2 times, as 'text' and 'Text'",
        ),
        (pd.DataFrame([["a", "b"]], columns=["text", "text"]), "as 'text' and 'text'"),
        (pd.DataFrame({"id": ["a"], "text": ["b"]}, index=pd.Index([1], name="id")), "'id' is there 2 times"),
        (pd.DataFrame({"text": ["a", 5]}), 'the DataFrame, row 2: "text" is a value of the type int'),
        (pd.DataFrame({"text": [["a"]]}), '"text" is a value of the type list'),
        (pd.DataFrame({"id": [1.0, None], "text": ["a", "b"]}), '"id" is a value of the type float'),
        (pd.DataFrame({"id": [1, 1], "text": ["a", "b"]}), "the id '1' is used twice, in row 1 and row 2"),
        (pd.DataFrame({"text": []}), "the DataFrame has nothing to search in it: 0 rows"),
        (pd.DataFrame(), "Found: none"),
    ],
)
def test_a_frame_that_cannot_be_read_is_explained(frame, message):
    with pytest.raises(CorpusError, match=message):
        read_documents(frame)


@pytest.mark.parametrize("thing", [FRAME["text"], ["a"], {"text": "a"}, None, 5, b"notes"])
def test_other_things_are_refused(thing):
    with pytest.raises(TypeError, match=r"a path or a pandas DataFrame, not from a .*to_pandas"):
        read_documents(thing)
