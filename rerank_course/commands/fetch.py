"""``fetch``: bring models here in advance."""

import argparse


def add_to(commands: argparse._SubParsersAction) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "fetch",
        help="bring hub models to this machine in advance",
        description="Bring cross-encoders of the Hugging Face hub to this machine in advance, and load each "
        "once. Run it again after an interruption: complete files are kept.",
    )
    parser.add_argument(
        "names", nargs="+", metavar="NAME", help="a model's name, for example BAAI/bge-reranker-base"
    )
    parser.add_argument(
        "--int8",
        action="store_true",
        help='make each model for load_reranker(NAME, backend="int8") too, which takes minutes',
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """0 if all models are here now, else 1."""
    from rerank_course.learner.fetch import fetch_models

    return 0 if fetch_models(options.names, options.int8) else 1
