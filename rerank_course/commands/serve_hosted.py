"""``serve-hosted``: run the stand-in for the hosted reranker."""

import argparse


def add_to(commands: argparse._SubParsersAction) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "serve-hosted",
        help="run a stand-in for the hosted reranker",
        description="Answer as Cohere's Rerank service would, on this machine and for this machine only, "
        "until Ctrl-C (exit code 130) or SIGTERM (143). Scores are the packaged reranker's.",
    )
    add = parser.add_argument
    add("--port", type=int, default=0, metavar="N", help="where to listen (default: a free one)")
    add("--key", metavar="KEY", help="what callers have to show (default: made up and printed)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Serve until Ctrl-C or SIGTERM; what is being scored then is scored to its end first."""
    from rerank_course.service.signals import ended_by_signals
    from rerank_course.service.stand_in import StandIn

    if not 0 <= options.port <= 65535:
        raise ValueError(f"--port must be from 0 to 65535, not {options.port}.")
    with ended_by_signals(), StandIn(port=options.port, key=options.key) as service:
        print(_welcome(service.url, service.key), flush=True)
        service.wait()
    return 0


def _welcome(url: str, key: str) -> str:
    call = f"curl {url}/stand-in/next -H 'Authorization: Bearer {key}' -d '{{\"fault\": \"rate limit\"}}'"
    return (
        f"Listening on {url} with the key {key}. Ctrl-C ends it.\n\n"
        f"    reranker = CohereReranker(api_key={key!r}, base_url={url!r})\n\n"
        f"To make the next call fail:\n    {call}"
    )
