"""Serve the built website on this machine only: `python -m tools.site.serve [folder]` (`make site SERVE=1`).

Two headers keep other sites' windows out of these pages; in return browsers let them use threads.
"""

import argparse
import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from rerank_course.service.signals import ended_by_signals
from tools.build.outline import ROOT

HEADERS = {"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp"}
PORT = 8848


class Handler(SimpleHTTPRequestHandler):
    """Files of a folder, with the headers that threads need."""

    extensions_map = SimpleHTTPRequestHandler.extensions_map | {
        ".js": "text/javascript",  # on Windows the registry may say something else
        ".wasm": "application/wasm",
    }

    def end_headers(self) -> None:
        for name, value in HEADERS.items():
            self.send_header(name, value)
        self.send_header("Cache-Control", "no-cache")  # a site that was built anew is seen at once
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: each page asks for dozens of files."""


class Server(ThreadingHTTPServer):
    """One that says nothing of readers who stop loading."""

    request_queue_size = 128  # a page asks for dozens of files at once; of the usual five some would wait

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def server(folder: Path, port: int = 0) -> ThreadingHTTPServer:
    """A server of ``folder`` on the loopback address; ``port`` 0 takes a free one.

    Raises:
        OSError: the port is taken.
    """
    return Server(("127.0.0.1", port), partial(Handler, directory=str(folder)))


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tools.site.serve", description="Serve the built website on this machine only."
    )
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "_site", help="default: _site")
    folder = parser.parse_args(arguments).folder
    if not (folder / "index.html").exists():
        print(f"There is no website in {folder}. Build it first: make site", file=sys.stderr)
        return 1
    try:
        running = server(folder, PORT)
    except OSError:  # taken
        running = server(folder)
    try:
        with running, ended_by_signals():
            print(f"http://127.0.0.1:{running.server_port}/ (Ctrl+C ends it)", flush=True)
            running.serve_forever()
    except KeyboardInterrupt:
        print()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
