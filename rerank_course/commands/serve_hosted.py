"""``serve-hosted``: run the stand-in for the hosted reranker."""

import argparse
import os

KEY_VARIABLE = "STAND_IN_KEY"


def add_to(commands: argparse._SubParsersAction) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "serve-hosted",
        help="run a stand-in for the hosted reranker",
        description="Answer as Cohere's Rerank service would, and in the protocols of Jina, vLLM and Text "
        "Embeddings Inference, on this machine and for this machine only, until Ctrl-C (exit code 130) or "
        "SIGTERM (143). Scores are the packaged reranker's. Callers have to show the key in the environment "
        f"variable {KEY_VARIABLE}; without it, one is made up and printed.",
    )
    add = parser.add_argument
    add("--port", type=int, default=0, metavar="N", help="where to listen (default: a free one)")
    add("--key", nargs="?", const="", help=argparse.SUPPRESS)  # of former versions
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Serve until Ctrl-C or SIGTERM; what is being scored then is scored to its end first."""
    from rerank_course.engine.hosted_access import Key
    from rerank_course.service.signals import ended_by_signals
    from rerank_course.service.stand_in import StandIn

    if options.key is not None:
        raise ValueError(
            "--key is gone: whoever lists this machine's processes would read the key. Put it into the "
            f"environment variable {KEY_VARIABLE}."
        )
    if not 0 <= options.port <= 65535:
        raise ValueError(f"--port must be from 0 to 65535, not {options.port}.")
    given = Key(os.environ.get(KEY_VARIABLE))
    if given and not given.is_well_formed:
        raise ValueError(f"The key in {KEY_VARIABLE} holds a space, a line break or another odd character.")
    with ended_by_signals(), StandIn(port=options.port, key=given.reveal() or None) as service:
        print(_welcome(service.url, service.key, shown=not given), flush=True)
        service.wait()
    return 0


def _welcome(url: str, key: str, shown: bool) -> str:
    """What to do next. A key of the user's own is not repeated: the terminal may be recorded."""
    if shown:
        which, in_python, in_shell = f"the key {key}", repr(key), key
    else:
        which = f"the key in {KEY_VARIABLE}"
        in_python, in_shell = f'os.environ["{KEY_VARIABLE}"]', f'"${KEY_VARIABLE}"'
    # Unlike a header, curl takes this option's value out of what a list of processes shows.
    call = f'curl {url}/stand-in/next --oauth2-bearer {in_shell} -d \'{{"fault": "rate limit"}}\''
    return (
        f"Listening on {url} with {which}. Ctrl-C ends it.\n\n"
        f"    reranker = CohereReranker(api_key={in_python}, base_url={url!r})\n\n"
        f"To make the next call fail:\n    {call}"
    )
