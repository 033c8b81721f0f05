"""The lines between the grader and a student's kernel: bounded in size, number and time.

Whatever comes over them is the student's: a message that is none ends the connection, and nothing else.
"""

import json
import socket
import time
from collections.abc import Callable
from typing import Any, NoReturn

from tools.grading.wire import MAX_BYTES, Wire, dumped

GRACE_SECONDS = 5  # to answer an interrupt
MESSAGES = 20_000  # during one check
NO_ANSWER = "answered with something that is no answer"


class Stopped(BaseException):
    """The student's process did not give an answer; the text says why. No check may take it for an error."""


class Channel(Wire):
    """One connection to a kernel's lender.

    Attributes:
        stopped: why there is no answer any more for this check; "" as long as there is.
        dead: whether the process has to be given up, for other checks too.
        waiting_for: the function of the notebook that was called last.
    """

    def __init__(self, connection: socket.socket, interrupt: Callable[[], None]) -> None:
        """
        Args:
            interrupt: sends Ctrl-C to the kernel.
        """
        self.connection, self.interrupt = connection, interrupt
        self.unread, self.number = b"", 0
        self.stopped, self.dead, self.waiting_for = "", False, "the notebook"
        self.start(0)

    def start(self, seconds: float) -> None:
        """Begin a check, which may wait ``seconds`` for the student's code."""
        self.seconds = self.left = seconds
        self.messages, self.is_late, self.stopped = 0, False, ""

    def give_up(self, why: str) -> NoReturn:
        """End with this process.

        Raises:
            Stopped: always.
        """
        self.stopped, self.dead = self.stopped or f"{self.waiting_for} {why}", True
        raise Stopped(self.stopped)

    def asked(self, message: dict) -> Any:
        """What an object of ours answers to the student's code."""
        raise NotImplementedError

    def ask(self, message: dict) -> dict:
        """Send a message, serve what is asked meanwhile, and return the answer.

        Raises:
            Stopped: there is none.
        """
        if self.dead or self.stopped:
            raise Stopped(self.stopped)
        self.number += 1
        number = self.number
        self._send(message | {"number": number})
        while True:
            answer = self._receive()
            if "reply" in answer:
                break
            self._send(self._served(answer))
        if self.is_late:
            self.stopped = f"{self.waiting_for} did not end within {self.seconds:g} seconds"
            raise Stopped(self.stopped)
        if answer["reply"] != number:
            self.give_up(NO_ANSWER)
        return answer

    def _served(self, message: dict) -> dict:
        try:
            if self.is_late or self.stopped:
                raise KeyboardInterrupt
            return {"value": self.encode(self.asked(message))}
        except Stopped:
            return {"error": self.error(KeyboardInterrupt())}
        except BaseException as error:  # ours, for the student's code to see
            return {"error": self.error(error)}

    def _send(self, message: dict) -> None:
        try:
            self.connection.settimeout(GRACE_SECONDS)
            self.connection.sendall(dumped(message))
        except OSError:
            self.give_up("ended its own Python process")

    def _receive(self) -> dict:
        self.messages += 1
        if self.messages > MESSAGES:
            self.give_up(f"asked more than {MESSAGES} times")
        while b"\n" not in self.unread:
            self.unread += self._more()
            if len(self.unread) > MAX_BYTES:
                self.give_up(f"answered with more than {MAX_BYTES / 1e6:.0f} MB")
        line, _, self.unread = self.unread.partition(b"\n")
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            message = None
        if not isinstance(message, dict):
            self.give_up(NO_ANSWER)
        return message

    def _more(self) -> bytes:
        started = time.monotonic()
        self.connection.settimeout(max(0.01, self.left))
        try:
            got = self.connection.recv(1 << 16)
        except TimeoutError:
            if self.is_late:
                self.give_up("did not end, and could not be interrupted")
            self.is_late, self.left = True, GRACE_SECONDS
            self.interrupt()
            return b""
        except OSError:
            got = b""
        self.left -= time.monotonic() - started
        if not got:
            self.give_up("ended its own Python process")
        return got
