"""A mail server for the tests: it takes every mail, and delivers none."""

from __future__ import annotations

import email
import email.policy
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from socketserver import StreamRequestHandler, ThreadingTCPServer


class Mailbox(ThreadingTCPServer):
    """Listens on loopback and keeps what comes."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        """Choose a free port."""
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.mails: list[EmailMessage] = []

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])

    def about(self, title: str) -> list[str]:
        """Return the texts of the mails whose subject begins with *title*, in the order in which they came."""
        found = [mail for mail in self.mails if str(mail["subject"]).startswith(f"{title}:")]
        return [part.get_content() for mail in found for part in mail.walk() if part.get_content_type() == "text/html"]


class _Conversation(StreamRequestHandler):
    """Speaks as much SMTP as a client needs."""

    server: Mailbox

    def handle(self) -> None:
        self._say("220 mailbox")
        for line in iter(self.rfile.readline, b""):
            verb = line[:4].upper()
            if verb == b"DATA":
                self._say("354 go on")
                self.server.mails.append(self._mail())
            if verb == b"QUIT":
                self._say("221 bye")
                return
            self._say("250 mailbox")

    def _mail(self) -> EmailMessage:
        lines = list(iter(self.rfile.readline, b".\r\n"))
        content = b"".join(line.removeprefix(b".") if line.startswith(b"..") else line for line in lines)
        return email.message_from_bytes(content, EmailMessage, policy=email.policy.default)

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


@contextmanager
def mailbox() -> Iterator[Mailbox]:
    """Run a mail server while the block lasts."""
    with Mailbox() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
