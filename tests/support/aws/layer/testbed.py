"""What the layer knows: moto behind its lock, the call log, faults and settings."""

import threading
from dataclasses import dataclass, field
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from .faults import Faults
from .http import Request, Response

ENABLED_REGIONS = ["us-east-1", "eu-west-1", "eu-central-1"]
DISABLED_REGIONS = [
    "af-south-1",
    "ap-east-1",
    "ap-south-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "eu-central-2",
    "eu-south-1",
    "eu-south-2",
    "il-central-1",
    "me-central-1",
]
DEFAULT_REGIONS = {name: "ENABLED_BY_DEFAULT" for name in ENABLED_REGIONS} | {
    name: "DISABLED" for name in DISABLED_REGIONS
}
DEFAULT_PAGE_SIZE = 20
DEFAULT_PAGE_SIZES = {"account:ListRegions": 10, "cloudcontrolapi:ListResources": 100, "s3:ListBuckets": 10_000}


class Moto:
    """moto's WSGI application, one request at a time: its backends are not made for threads."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._application = DomainDispatcherApplication(create_backend_app)

    def answer(self, request: Request, account: str | None) -> Response:
        """Passes a request to moto, as a call of the given account."""
        environ = request.environ_for_application()
        if account:
            environ["HTTP_X_MOTO_ACCOUNT_ID"] = account
        response = Response(500)

        def start_response(status: str, headers: list[tuple[str, str]], _: Any = None) -> None:
            response.status = int(status.split(" ", 1)[0])
            response.headers = headers

        with self.lock:
            chunks = self._application(environ, start_response)
            response.body = b"".join(chunks)
            if hasattr(chunks, "close"):
                chunks.close()
        return response


class CallLog:
    """Every AWS call in the order of arrival."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: list[dict[str, Any]] = []

    def add(self, entry: dict[str, Any]) -> None:
        """Keeps a call."""
        with self._lock:
            self._calls.append(entry)

    def of(self, accounts: set[str] | None) -> list[dict[str, Any]]:
        """The calls of some accounts, or of all."""
        with self._lock:
            return [entry for entry in self._calls if accounts is None or entry["account"] in accounts]

    def clear(self, accounts: set[str] | None) -> None:
        """Forgets the calls of some accounts, or of all."""
        with self._lock:
            self._calls = [entry for entry in self._calls if accounts is not None and entry["account"] not in accounts]


@dataclass
class Testbed:
    """Everything that requests share."""

    endpoint: str = ""
    moto: Moto = field(default_factory=Moto)
    calls: CallLog = field(default_factory=CallLog)
    faults: Faults = field(default_factory=Faults)
    regions: dict[str, dict[str, str]] = field(default_factory=dict)
    page_sizes: dict[tuple[str | None, str], int] = field(default_factory=dict)
    cloud_control: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Resource types by account and name; see `cloud_control.ResourceType`."""
    queues_changed: threading.Condition = field(default_factory=threading.Condition)

    def regions_of(self, account: str) -> dict[str, str]:
        """Opt-in status of each region in an account."""
        return self.regions.get(account, DEFAULT_REGIONS)

    def page_size(self, account: str | None, operation: str) -> int:
        """Entries on a page of `service:Operation`, as set for the account, for all accounts, or by default."""
        default = DEFAULT_PAGE_SIZES.get(operation, DEFAULT_PAGE_SIZE)
        return self.page_sizes.get((account, operation), self.page_sizes.get((None, operation), default))

    def notify_queues(self) -> None:
        """Wakes who waits for a message."""
        with self.queues_changed:
            self.queues_changed.notify_all()
