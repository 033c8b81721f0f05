"""Who in the room has passed what: `python -m classroom.room FOLDER [--once]`, or `make room FOLDER=folder`.

Learners who choose to keep a copy of their progress in that folder (`rerank-course progress --share FOLDER`).
The view is a page on this machine alone, which renews itself; nothing is asked of the learners' machines.
"""

import argparse
import sys
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from classroom.room_folder import SharedFolder
from classroom.room_page import page, table
from rerank_course.service.signals import ended_by_signals

PORT = 8849
SCRIPT = Path(__file__).with_name("room.js")
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; script-src 'self'; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class RoomServer(ThreadingHTTPServer):
    """Serves the view of one folder on the loopback address; port 0 takes a free one.

    Raises:
        OSError: the port is taken.
    """

    daemon_threads = True

    def __init__(self, folder: Path, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.shared, self.looking = SharedFolder(folder), threading.Lock()
        self.hosts = {f"{name}:{self.server_port}" for name in ("127.0.0.1", "localhost")}

    def page(self) -> str:
        now = datetime.now(UTC)
        try:
            with self.looking:
                room = self.shared.look()
        except OSError as error:
            return page(None, self.shared.folder, now, str(error))
        return page(room, self.shared.folder, now)

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):  # a browser that stops loading is no news
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    """The page and its script."""

    server: RoomServer
    timeout = 30

    def do_GET(self) -> None:
        # Another site could give its own name this machine's address, and read learners' names.
        if self.headers.get("Host") not in self.server.hosts:
            self.send_error(403, "Only for this machine")
        elif self.path == "/":
            self._answer(self.server.page(), "text/html")
        elif self.path == f"/{SCRIPT.name}":
            self._answer(SCRIPT.read_text(encoding="utf-8"), "text/javascript")
        else:
            self.send_error(404)

    def _answer(self, text: str, kind: str) -> None:
        content = text.encode("utf-8")
        self.send_response(200)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        for name, value in HEADERS.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the page asks again every few seconds."""


def serve(folder: Path) -> None:
    """Serve until Ctrl-C."""
    try:
        server = RoomServer(folder, PORT)
    except OSError:  # taken
        server = RoomServer(folder)
    with server, ended_by_signals():
        print(f"http://127.0.0.1:{server.server_port}/ shows {folder}, on this machine only (Ctrl+C ends it)")
        print("Learners type: python -m rerank_course progress --share FOLDER", end=", ")
        print("with the folder's path on their machine.", flush=True)
        server.serve_forever()


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Show who in the room has passed what.")
    parser.add_argument("folder", type=Path, help="the folder that learners share")
    parser.add_argument("--once", action="store_true", help="print a table, and end")
    options = parser.parse_args(arguments)
    if hasattr(sys.stdout, "reconfigure"):  # names may be in any script, a console in another
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    folder = options.folder.expanduser().absolute()
    try:
        if options.once:
            print(table(SharedFolder(folder).look(), datetime.now(UTC)))
        elif not folder.is_dir():
            raise NotADirectoryError(f"{folder} is no folder that can be reached.")
        else:
            serve(folder)
    except OSError as error:
        print(f"There is nothing to show. {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
