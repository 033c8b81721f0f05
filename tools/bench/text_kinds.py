"""Pairs of many kinds of text, to compare the int8 engine with float32 on.

They are made by rules, the same each time; only a question or a score may be missing sense. Ordinary words
are the handbook's.
"""

import functools
import random
from collections.abc import Callable, Iterator

from rerank_course.texts.corpora import load_corpus

PAIRS = 200  # of each kind
Pair = tuple[str, str]

SHORT = (
    "yes no ok a b I it why when 1 2 stop go true false null red blue up down in out hi dog cat free price"
)
NAMES = "df x y total count rows items value key result data index name path user order"
ACCENTED = (
    "café naïve Zürich Müller señor déjà élève straße Łódź Dvořák Ångström façade über gemäß crème jalapeño"
)
SIGNS = "🙂 🙃 😀 👍 🎉 🚀 ❤️ 🔥 😂 🤔 👀 ✅ ❌ 🇩🇪 👩‍💻 ☀️ 🍕 📈 🧾 ⏰"
FOREIGN = (
    "сколько стоит билет на поезд", "где находится ближайшая библиотека", "東京の天気はどうですか",
    "我想知道报销的上限是多少", "왜 하늘은 파란가요", "كم سعر التذكرة إلى المدينة",
    "מתי נפתחת הספרייה העירונית",
    "पुस्तकालय कब खुलता है", "πότε ανοίγει η βιβλιοθήκη", "ราคาตั๋วรถไฟเท่าไหร่", "երբ է բացվում գրադարանը",
    "როდის იხსნება ბიბლიოთეკა",
)  # fmt: skip


@functools.cache
def ordinary_words() -> list[str]:
    """The handbook's running text, as words."""
    return [word for chunk in load_corpus("handbook").documents.values() for word in chunk.text.split()]


class Writer:
    """Writes pairs; ``seed`` fixes which."""

    def __init__(self, seed: int | str) -> None:
        self.random = random.Random(seed)
        self.words = ordinary_words()

    def prose(self, shortest: int, longest: int) -> str:
        """Words in a row from the handbook."""
        count = self.random.randint(shortest, longest)
        start = self.random.randrange(len(self.words) - count)
        return " ".join(self.words[start : start + count])

    def some(self, choices: str, shortest: int, longest: int) -> str:
        return " ".join(self.random.choices(choices.split(), k=self.random.randint(shortest, longest)))

    def mixed(self, choices: str, longest: int) -> str:
        """Words, every second one of ``choices``."""
        pools = (choices.split(), self.words)
        count = self.random.randint(1, longest)
        return " ".join(self.random.choice(self.random.choice(pools)) for _ in range(count))

    def several(self, one: Callable[[], str], most: int, between: str = " ") -> str:
        return between.join(one() for _ in range(self.random.randint(1, most)))

    def name(self) -> str:
        return self.random.choice(NAMES.split())

    def below(self, end: int) -> int:
        return self.random.randrange(end)


def short_pair(write: Writer) -> Pair:
    return write.some(SHORT, 1, 2), write.some(SHORT, 1, 3)


def numbers(write: Writer) -> Pair:
    n = write.below

    def one() -> str:
        return write.random.choice((
            f"{n(28) + 1}.{n(12) + 1}.{1990 + n(40)}", f"{1990 + n(40)}-{n(12) + 1:02}-{n(28) + 1:02}",
            f"${n(99_999):,}.{n(100):02}", f"{write.random.random():.6f}", f"{n(10**9)}", f"-{n(999)}",
            f"{n(24)}:{n(60):02}", f"{n(100)}%", f"+49 {n(999)} {n(10**6)}", f"{n(99)}e-{n(9)}",
        ))  # fmt: skip

    return write.several(one, 3), write.several(one, 30)


def code(write: Writer) -> Pair:
    def line() -> str:
        a, b, c, n = write.name(), write.name(), write.name(), write.below(99)
        return write.random.choice((
            f"{a} = {b}[{n}] + {c}.{a}()", f"for {a} in range({n}): {b}.append({c})",
            f"if {a} is None or {b} != {c}: return {n}", f"def {a}({b}, *, {c}=None):",
            f"assert {a} == {b}, '{c}'", f"{a} = lambda {b}: {b} ** {n}", f"import {a}.{b} as {c}",
            f"{a}->{b}[{n}] = &{c};", f"const {a} = async ({b}) => {{ await {c}({b}); }};",
        ))  # fmt: skip

    asked = write.random.choice((f"how do I use {write.name()} in python", line()))
    return asked, write.several(line, 20, "\n")


def sql(write: Writer) -> Pair:
    def one() -> str:
        a, b, table, n = write.name(), write.name(), write.name(), write.below(999)
        return write.random.choice((
            f"SELECT {a}, COUNT(*) FROM {table} WHERE {b} > {n} GROUP BY {a} ORDER BY {b} DESC",
            f"UPDATE {table} SET {a} = '{b}' WHERE {b} IS NOT NULL;", f"{a} BETWEEN {n} AND {n + 9}",
            f"INSERT INTO {table} ({a}, {b}) VALUES ({n}, '{a}');", f"LEFT JOIN {table} USING ({a})",
        ))  # fmt: skip

    return one(), write.several(one, 6)


def urls(write: Writer) -> Pair:
    def one() -> str:
        prefix, ending = write.random.choice(("www.", "docs.", "")), write.random.choice(("com", "org"))
        page = f"{write.name()}/{write.below(999)}?{write.name()}={write.name()}#{write.name()}"
        return f"https://{prefix}{write.name()}.{ending}/{page}"

    return write.random.choice((one(), f"where is the page on {write.name()}")), write.several(one, 8)


def capitals(write: Writer) -> Pair:
    return write.prose(2, 10).upper(), write.prose(3, 80).upper()


def emoji(write: Writer) -> Pair:
    return write.random.choice((write.some(SIGNS, 1, 3), f"{write.prose(4, 4)} 🙂")), write.mixed(SIGNS, 40)


def accents(write: Writer) -> Pair:
    return write.some(ACCENTED, 1, 4), write.mixed(ACCENTED, 40)


def other_scripts(write: Writer) -> Pair:
    asked = write.random.choice((*FOREIGN, write.prose(3, 8)))
    return asked, write.several(lambda: write.random.choice(FOREIGN), 8)


def tables(write: Writer) -> Pair:
    columns = [write.name() for _ in range(4)]

    def row() -> str:
        cells = (
            write.below(999),
            write.random.choice(write.words),
            f"{write.random.random():.2f}",
            write.name(),
        )
        return "| " + " | ".join(map(str, cells)) + " |"

    head = "| " + " | ".join(columns) + " |\n|---|---|---|---|\n"
    return f"what is the {columns[0]} of {write.name()}", head + write.several(row, 15, "\n")


def repeated(write: Writer) -> Pair:
    one, other = write.random.choices(write.words, k=2)
    document = write.random.choice((one, other, f"{one} {other}"))
    return " ".join([one] * (write.below(5) + 1)), " ".join([document] * (write.below(150) + 1))


def any_length(write: Writer) -> Pair:
    longest = int(2 ** (write.random.random() * 8.6))  # as many short texts as long ones: 1 to 388 words
    return write.prose(1, 12), write.prose(longest, longest)


KINDS: dict[str, Callable[[Writer], Pair]] = {
    "short pairs": short_pair, "numbers and dates": numbers, "code": code, "SQL": sql, "URLs": urls,
    "capital letters": capitals, "emoji": emoji, "accents": accents, "other scripts": other_scripts,
    "tables": tables, "repeated words": repeated, "5 to 512 tokens": any_length,
}  # fmt: skip


def pairs_of_each_kind(count: int = PAIRS, seed: int = 0) -> Iterator[tuple[str, list[Pair]]]:
    """(kind, pairs), kind by kind."""
    for kind, make in KINDS.items():
        write = Writer(f"{kind} {seed}")
        yield kind, [make(write) for _ in range(count)]
