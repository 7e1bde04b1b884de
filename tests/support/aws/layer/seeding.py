"""Calls inside any account, made in this process: not recorded, not hit by faults, not checked."""

import base64
import io
import threading
from collections.abc import Callable
from datetime import date
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

import boto3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.response import StreamingBody

from .http import Request, Response


class RawBody(io.BytesIO):
    """A response body in the form botocore reads it from."""

    def stream(self, **_: Any) -> Any:
        """All of the body at once."""
        yield self.read()


class Seeding:
    """boto3 clients whose requests go straight to the application."""

    def __init__(self, answer: Callable[[Request, str], Response], endpoint: Callable[[], str]) -> None:
        self._answer = answer
        self._endpoint = endpoint
        self._lock = threading.Lock()
        self._session = boto3.Session(aws_access_key_id="seeding", aws_secret_access_key="seeding")
        self._clients: dict[tuple[str, str], Any] = {}
        self._thread = threading.local()

    def call(self, order: dict[str, Any]) -> dict[str, Any]:
        """Makes one call: `{account, region, service, operation, parameters}`."""
        client = self._client(order["service"], order.get("region") or "us-east-1")
        operation = getattr(client, order["operation"], None)
        if operation is None:
            return _error("InvalidOperation", f"{order['service']} has no operation {order['operation']}")
        self._thread.account = order["account"]
        try:
            result = operation(**_from_json(order.get("parameters") or {}))
        except ClientError as error:
            details = error.response.get("Error", {})
            return _error(details.get("Code", "Unknown"), details.get("Message", ""))
        except (BotoCoreError, TypeError, ValueError) as error:
            return _error(type(error).__name__, str(error))
        if isinstance(result, dict):
            result.pop("ResponseMetadata", None)
        return {"result": _to_json(result)}

    def _client(self, service: str, region: str) -> Any:
        with self._lock:
            client = self._clients.get((service, region))
            if client is None:
                config = Config(retries={"total_max_attempts": 1}, request_checksum_calculation="when_required")
                client = self._session.client(service, region_name=region, endpoint_url=self._endpoint(), config=config)
                client.meta.events.register_first("before-send", self._send)
                self._clients[(service, region)] = client
            return client

    def _send(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        url = urlsplit(request.url)
        body = request.body if request.body is not None else b""
        if hasattr(body, "read"):
            body = body.read()
        if isinstance(body, str):
            body = body.encode()
        environ: dict[str, Any] = {
            "REQUEST_METHOD": request.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(url.path or "/").decode("latin-1"),
            "QUERY_STRING": url.query,
            "RAW_URI": (url.path or "/") + (f"?{url.query}" if url.query else ""),
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": str(url.port),
            "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTP_HOST": url.netloc,
            "wsgi.url_scheme": "http",
            "wsgi.version": (1, 0),
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        environ["REQUEST_URI"] = environ["RAW_URI"]
        for name, value in request.headers.items():
            text = value.decode() if isinstance(value, bytes) else str(value)
            key = name.upper().replace("-", "_")
            environ[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = text
        response = self._answer(Request(environ, body), self._thread.account)
        return AWSResponse(request.url, response.status, dict(response.headers), RawBody(response.body))


def _error(code: str, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message}}


def _from_json(value: Any) -> Any:
    if isinstance(value, list):
        return [_from_json(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"$base64"}:
        return base64.b64decode(value["$base64"])
    return {name: _from_json(entry) for name, entry in value.items()}


def _to_json(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _to_json(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_to_json(entry) for entry in value]
    if isinstance(value, StreamingBody):
        value = value.read()
    if isinstance(value, bytes):
        return {"$base64": base64.b64encode(value).decode()}
    if isinstance(value, date):
        return value.isoformat()
    return value
