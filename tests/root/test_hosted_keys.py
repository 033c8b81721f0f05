"""No key is shown by any hosted reranker: errors, their causes and variables, warnings, logs, objects."""

import copy
import io
import json
import logging
import pickle
import threading
import traceback
import warnings

import pytest

from rerank_course.engine.hosted_access import Key, blot_logs
from rerank_course.hosted import (
    CohereReranker,
    HostedError,
    HostedRefusedError,
    JinaReranker,
    TeiReranker,
    VllmReranker,
)
from rerank_course.service.faults import ANSWER_FAULTS
from tests.support.hosted import KEY, PAIRS, Lengths

RERANKERS = (CohereReranker, JinaReranker, VllmReranker, TeiReranker)
SECRET = "S3cret-0123"
ODD = {
    "line end": "line\nend",
    "carriage return": "line\r\nend",
    "tab": "a\tb",
    "quotes": '"quo\'ted"',
    "percent": "%41per%cent%s",
    "letters with accents": "schlüßel-äöü",
    "blank": "in two",
    "braces": "{key}",
    "null": "nu\x00ll",
    "half a character": "\ud83d",
    "other script": "ключ",
    "separator": "a\u2028b",
}


def in_every_form(key):
    """The ways in which a key may be quoted: as it is, escaped, as bytes, in JSON."""
    whole = {key, repr(key)[1:-1], ascii(key)[1:-1], json.dumps(key)[1:-1]}
    return {SECRET, *whole, str(key.encode("utf-8", "backslashreplace"))[2:-1]}


def all_that_shows(error):
    """What a person, a debugger or an error collector sees: texts, causes, and each frame's variables."""
    found = ""
    while error is not None:
        told = traceback.TracebackException.from_exception(error, capture_locals=True, compact=False)
        for frame in told.stack:
            if "rerank_course" not in frame.filename:  # a test's own variables hold the key, of course
                frame.locals = None
        found += "".join(told.format()) + str(error) + repr(error) + repr(error.args) + repr(vars(error))
        error = error.__cause__ or error.__context__
    return found


def everything_in(thing, depth=12, seen=None):
    """The texts of all attributes and items, however deep, that a debugger would list."""
    seen = set() if seen is None else seen
    if depth == 0 or id(thing) in seen or isinstance(thing, type):
        return ""
    seen.add(id(thing))
    found = repr(thing)[:5000]
    if isinstance(thing, dict):
        parts = [*thing.keys(), *thing.values()]
    elif isinstance(thing, (list, tuple, set, frozenset)):
        parts = list(thing)
    else:
        names = [name for kind in type(thing).__mro__ for name in getattr(kind, "__slots__", ())]
        parts = [getattr(thing, name, None) for name in names if isinstance(name, str)]
        parts += list(getattr(thing, "__dict__", {}).values())
    return found + "".join(everything_in(part, depth - 1, seen) for part in parts)


@pytest.fixture
def logged():
    """All that any logger writes, at its most talkative, as a handler of one's own receives it."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    root, before = logging.getLogger(), logging.getLogger().level
    names = [
        name
        for name in logging.root.manager.loggerDict
        if name.split(".")[0] in ("httpx", "httpcore", "cohere")
    ]
    levels = {name: logging.getLogger(name).level for name in names}
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    for name in names:
        logging.getLogger(name).setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    root.setLevel(before)
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
@pytest.mark.parametrize("kind", RERANKERS)
def test_an_odd_key_is_refused_before_it_is_used_and_shows_nowhere(service, logged, kind, odd, monkeypatch):
    key = f"{SECRET}{odd}{SECRET}"
    given = [{"api_key": key}]
    if kind.protocol.key_variable and not set("\x00\ud83d") & set(odd):
        monkeypatch.setenv(kind.protocol.key_variable, key)
        given.append({})
    for options in given:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            with pytest.raises(HostedRefusedError, match="no key does") as raised:
                kind(base_url=service.url, fallback=Lengths(), **options)
        seen = all_that_shows(raised.value) + logged.getvalue() + repr([str(one.message) for one in warned])
        assert not [form for form in in_every_form(key) if form in seen]
        assert raised.value.__cause__ is None and raised.value.__context__ is None
    assert not service.requests


@pytest.mark.parametrize("kind", RERANKERS)
def test_no_failure_of_a_call_shows_the_key(service, logged, kind):
    reranker = kind(api_key=f" {KEY}\r\n", base_url=service.url, timeout=0.5, max_wait=0)
    seen = everything_in(reranker)
    statuses = (400, 401, 402, 403, 404, 408, 409, 413, 418, 422, 424, 429, 498, 499, 500, 501, 503)
    answers = [fault for fault in ANSWER_FAULTS if fault != "score out of range"]  # no fault at Jina's
    for fault in (*statuses, "slow", "cut", *answers, "not json"):
        service.next(fault, seconds=20)
        with pytest.raises(HostedError) as raised:
            reranker.predict(PAIRS)
        assert raised.value.__cause__ is None and raised.value.__context__ is None
        seen += all_that_shows(raised.value)
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            service.next(fault, seconds=20)
            reranker.fallback = Lengths()
            try:
                reranker.predict(PAIRS)
            except HostedError as error:
                seen += all_that_shows(error)
            reranker.fallback = None
        seen += "".join(str(one.message) + repr(one) for one in warned)
    seen += everything_in(reranker) + logged.getvalue()
    assert len(logged.getvalue()) > 5000 and "Request" in logged.getvalue()
    assert KEY not in seen and str(KEY.encode())[2:-1] not in seen


@pytest.mark.parametrize("kind", RERANKERS)
def test_a_service_that_repeats_the_key_finds_it_blotted_in_errors_and_logs(answering, logged, kind):
    body = json.dumps({"message": f"no such key: {KEY}", "detail": KEY, "error": {"message": KEY}}).encode()
    for status in (200, 302, 401, 404, 429, 500):
        answering.answer = (
            status,
            {"X-Key": KEY, "Location": f"http://other/{KEY}", "Retry-After": KEY},
            body,
        )
        with pytest.raises(HostedError) as raised:
            kind(api_key=KEY, base_url=f"{answering.url}/at-a-gateway", max_wait=0).predict(PAIRS)
        assert KEY not in all_that_shows(raised.value)
    assert "X-Key" in logged.getvalue() and KEY not in logged.getvalue() and "[key]" in logged.getvalue()


@pytest.mark.parametrize("kind", RERANKERS)
def test_a_reranker_is_neither_pickled_nor_copied(service, kind):
    reranker = kind(api_key=KEY, base_url=service.url)
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="neither pickled nor copied") as raised:
            attempt(reranker)
        assert KEY not in all_that_shows(raised.value)


def test_a_key_shows_itself_to_nobody():
    key = Key(f" {KEY}\n")
    assert KEY not in repr(key) + str(key) + f"{key}" + repr(vars(Key)) + everything_in(key)
    assert key.reveal() == KEY and key.hide(f"a {KEY} b") == "a [key] b"
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(key)
    for nothing in (None, "", " \n", 7):
        assert not Key(nothing) and Key(nothing).hide("a text") == "a text"


def test_one_filter_for_each_key_and_none_for_a_word_that_may_stand_in_a_text():
    filters = logging.getLogger("httpx").filters
    before = len(filters)
    for _ in range(3):
        blot_logs(Key("another-key-of-the-tests"))
    blot_logs(Key("short"))
    assert len(filters) == before + 1


def test_many_threads_show_no_key_either(service):
    reranker = CohereReranker(api_key=KEY, base_url=service.url, max_wait=0)
    service.next(500, times=8)
    seen = []

    def call():
        try:
            reranker.predict(PAIRS)
        except HostedError as error:
            seen.append(all_that_shows(error))

    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 8 and not any(KEY in text for text in seen)
