"""Requests and responses as the layer passes them on."""

import io
import select
import socket
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs


@dataclass
class Request:
    """One HTTP request with its body read in full."""

    environ: dict[str, Any]
    body: bytes

    @staticmethod
    def read(environ: dict[str, Any]) -> "Request":
        """Takes a request from the server."""
        return Request(environ, environ["wsgi.input"].read())

    @property
    def method(self) -> str:
        """GET, POST and so on."""
        return self.environ["REQUEST_METHOD"]

    @property
    def path(self) -> str:
        """The path, decoded, without the query string."""
        return self.environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace")

    @property
    def query(self) -> dict[str, list[str]]:
        """The query string by parameter."""
        return parse_qs(self.environ.get("QUERY_STRING", ""), keep_blank_values=True)

    def query_value(self, name: str) -> str | None:
        """The first value of a query parameter."""
        return self.query.get(name, [None])[0]

    def header(self, name: str) -> str | None:
        """The value of a header."""
        key = name.upper().replace("-", "_")
        if key in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            return self.environ.get(key)
        return self.environ.get(f"HTTP_{key}")

    def form(self) -> dict[str, str]:
        """The body of a query protocol call by parameter."""
        values = parse_qs(self.body.decode("utf-8", "replace"), keep_blank_values=True)
        return {name: entries[0] for name, entries in values.items()}

    def environ_for_application(self) -> dict[str, Any]:
        """A WSGI environment from which the body can be read (again)."""
        environ = dict(self.environ)
        environ["wsgi.input"] = io.BytesIO(self.body)
        environ["CONTENT_LENGTH"] = str(len(self.body))
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        return environ

    def client_has_left(self) -> bool:
        """Whether the client closed the connection while it waits for the answer."""
        connection: socket.socket | None = self.environ.get("testbed.socket")
        if connection is None:
            return False
        try:
            poll = select.poll()
            poll.register(connection, select.POLLIN)
            return bool(poll.poll(0)) and connection.recv(1, socket.MSG_PEEK) == b""
        except OSError:
            return True


@dataclass
class Response:
    """One HTTP response, complete."""

    status: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""

    @property
    def status_line(self) -> str:
        """The status as WSGI wants it."""
        try:
            return f"{self.status} {HTTPStatus(self.status).phrase}"
        except ValueError:
            return f"{self.status} Unknown"

    def header(self, name: str) -> str | None:
        """The value of a header."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)
