"""Cut a text into chunks: at headings, between paragraphs, at ends of sentences."""

import re

from rerank_course.texts.files import unix_lines

MAX_WORDS = 200  # words in a chunk: with heading and query about what a reranker of 512 tokens reads
# Text without spaces is cut as well: a Chinese or Japanese character counts as a word, a longer run as one
# for each 40 characters.
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\s\u3040-\u30ff\u3400-\u9fff]{1,40}")
_SENTENCE_END = re.compile(r"""[.!?…]["'“”‘’«»)\]]*\s+|[。！？]\s*""")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")
_HEADING = re.compile(r" {0,3}(#{1,6})(?=\s|$)")


def chunk_text(text: str, title: str, *, markdown: bool = True) -> list[tuple[str, str]]:
    """Cut a text into chunks of at most about 200 words: ``[(title, text), …]``, in order.

    A Markdown heading (``# …``) begins a new chunk and names it, together with the headings above it:
    ``"Guide > Install"``. Text before the first heading is named ``title``. Within a section, whole
    paragraphs are put together as long as they fit; a paragraph of more than 200 words is cut at ends of
    sentences, and such a sentence between words. A fenced code block counts as part of one paragraph, and a
    ``#`` in it is no heading. A heading without text of its own gives no chunk, and no text gives none.

    Args:
        text: the whole text.
        title: what to call text without a heading, for example the file's name.
        markdown: ``False`` takes the text as plain: no headings, no fences.
    """
    sections = _sections(unix_lines(text).split("\n"), title, markdown)
    return [(name, chunk) for name, paragraphs in sections for chunk in _pack(paragraphs)]


def _sections(lines: list[str], title: str, markdown: bool) -> list[tuple[str, list[str]]]:
    """(title, paragraphs) of each section, in order."""
    paragraphs: list[list[str]] = [[]]  # of the section that we are in, each a list of its lines
    sections = [(title, paragraphs)]
    above: list[tuple[int, str]] = []  # level and words of the section's heading and of those above it
    fence = ""
    for line in lines:
        fence = _fence_after(line, fence) if markdown else ""
        heading = _HEADING.match(line) if markdown and not fence else None
        if heading:
            level = len(heading[1])
            above = [upper for upper in above if upper[0] < level]
            above.append((level, _heading_words(line[heading.end() :])))
            paragraphs = [[]]
            sections.append((" > ".join(words for _, words in above if words) or title, paragraphs))
        elif line.strip() or fence:
            paragraphs[-1].append(line)
        elif paragraphs[-1]:
            paragraphs.append([])
    return [(name, _joined(paragraphs)) for name, paragraphs in sections]


def _joined(paragraphs: list[list[str]]) -> list[str]:
    """The paragraphs that hold text, each with its lines put together."""
    texts = ("\n".join(lines) for lines in paragraphs)
    return [text.rstrip() for text in texts if text.strip()]


def _heading_words(rest: str) -> str:
    """The words of a heading, without the ``##`` that may close it."""
    rest = rest.strip()
    bare = rest.rstrip("#")
    return bare.rstrip() if not bare or bare[-1].isspace() else rest


def _fence_after(line: str, fence: str) -> str:
    """The marks of the code fence that is open after this line: backticks or tildes; empty if none is."""
    found = _FENCE.fullmatch(line)
    if not found:
        return fence
    marks, rest = found.groups()
    if fence:
        return "" if marks.startswith(fence) and not rest.strip() else fence
    return "" if marks[0] == "`" and "`" in rest else marks  # ```code``` in one line is no fence


def _cut(paragraph: str) -> list[str]:
    """A paragraph in pieces that fit into a chunk. They keep the white space after them."""
    if _count_words(paragraph) <= MAX_WORDS:
        return [paragraph]
    pieces = []
    for sentence in _split_at(paragraph, [match.end() for match in _SENTENCE_END.finditer(paragraph)]):
        if len(sentence) <= MAX_WORDS:  # no more characters, so no more words either
            pieces.append(sentence)
            continue
        word_starts = [match.start() for match in _WORD.finditer(sentence)]
        pieces += _split_at(sentence, word_starts[MAX_WORDS::MAX_WORDS])
    return pieces


def _split_at(text: str, positions: list[int]) -> list[str]:
    return [text[start:end] for start, end in zip([0, *positions], [*positions, len(text)])]


def _pack(paragraphs: list[str]) -> list[str]:
    """Chunks of at most ``MAX_WORDS`` words: neighbouring paragraphs, or pieces of long ones."""
    chunks: list[list[str]] = []
    total = 0
    for piece in (piece for paragraph in paragraphs for piece in _cut(paragraph + "\n\n")):
        words = _count_words(piece)
        if not chunks or total + words > MAX_WORDS:
            chunks.append([])
            total = 0
        chunks[-1].append(piece)
        total += words
    return ["".join(chunk).rstrip() for chunk in chunks]


def _count_words(text: str) -> int:
    return len(_WORD.findall(text))
