"""The calls as a page: what each client can do with the stand-in, and every call."""

import platform
from datetime import date
from pathlib import Path

from tools.interop.runs import Row
from tools.interop.snippets import as_markdown

HEAD = """# Other people's clients

Real clients, called against the course's stand-in on this machine by `make interop`, which writes this page.
Every call has an answer that it has to give: the places of four documents, best first, with the scores that
the packaged reranker gives them, or an error by its status and type. No call leaves the machine.

"""
NOTES = """
## What they do that one should know

- **LiteLLM** takes a refused key for trouble with the connection: status 401 comes out as an
  `APIConnectionError` with 500. A fallback in front of it would hide a wrong key.
- **langchain-community's `JinaRerank`** has its address in a constant of the module. The constant was
  replaced for these calls: it has no parameter for it.
- **`rerankers`** looks at no status. A refused key ends in a `KeyError` for the results that are not there.
- **langchain-cohere** asks for version 5 of Cohere's library, and **LlamaIndex's `CohereRerank`** for none
  after 6: they cannot stand in one environment with the course, which has 7.
- **huggingface_hub**'s `InferenceClient` has no call for reranking.
"""
LOCAL = """
## A reranker of the course in another library

These lines were run as they stand here, with torch and with int8. `rerank_documents` takes the documents of
all four libraries, and gives them back with their scores.

"""


def write_page(file: Path, rows: list[Row]) -> None:
    """Write the page: a line a client, what to know, and all calls."""
    text = HEAD + f"Run on {date.today():%d %B %Y}, Python {platform.python_version()}.\n\n"
    text += "| client | version | calls | as expected |\n| --- | --- | --- | --- |\n"
    for client, version in dict.fromkeys((row.client, row.version) for row in rows):
        calls = [row for row in rows if (row.client, row.version) == (client, version)]
        text += f"| {client} | {version} | {len(calls)} | {sum(row.ok for row in calls)} |\n"
    text += f"| **all** | | {len(rows)} | {sum(row.ok for row in rows)} |\n"
    text += NOTES + LOCAL + as_markdown()
    text += (
        "\n## Every call\n\n| client | version | call | expected | got |\n| --- | --- | --- | --- | --- |\n"
    )
    for row in rows:
        got = "the same" if row.ok else f"**{row.got}**"
        cells = (row.client, row.version, row.call, row.expected, got)
        text += "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"
    file.write_text(text, encoding="utf-8")
