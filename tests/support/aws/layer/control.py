"""The endpoints under /testbed, which tests use to seed, to break and to look."""

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

from . import cloud_control, organizations, queues, sessions, stacks
from .http import Request, Response
from .seeding import Seeding
from .testbed import Testbed


class Control:
    """Answers requests under /testbed with JSON."""

    def __init__(self, testbed: Testbed, seeding: Seeding) -> None:
        self.testbed = testbed
        self.seeding = seeding
        self._handlers: dict[tuple[str, str], Callable[[Request], Any]] = {
            ("GET", "/testbed/health"): lambda request: {"status": "ok"},
            ("GET", "/testbed/calls"): self._calls,
            ("DELETE", "/testbed/calls"): lambda request: testbed.calls.clear(_accounts(request)),
            ("POST", "/testbed/call"): self._call,
            ("POST", "/testbed/faults"): lambda request: {"id": testbed.faults.add(json.loads(request.body))},
            ("DELETE", "/testbed/faults"): lambda request: testbed.faults.clear(_accounts(request)),
            ("POST", "/testbed/regions"): self._set_regions,
            ("POST", "/testbed/account-state"): lambda request: organizations.set_account_state(
                json.loads(request.body)
            ),
            ("POST", "/testbed/pages"): self._set_page_size,
            ("POST", "/testbed/cloud-control"): lambda request: cloud_control.register(
                testbed, json.loads(request.body)
            ),
            ("POST", "/testbed/session"): lambda request: sessions.open_session(json.loads(request.body)),
            ("POST", "/testbed/stack"): lambda request: stacks.describe(json.loads(request.body)),
            ("POST", "/testbed/sqs/advance"): lambda request: queues.advance(testbed, json.loads(request.body)),
            ("POST", "/testbed/sqs/wait"): lambda request: queues.wait_until_visible(
                testbed, request, json.loads(request.body)
            ),
            ("POST", "/testbed/sqs/counts"): lambda request: queues.message_counts(testbed, json.loads(request.body)),
            ("POST", "/testbed/sqs/messages"): lambda request: queues.list_messages(testbed, json.loads(request.body)),
        }

    def answer(self, request: Request) -> Response:
        """Carries out one order."""
        handler = self._handlers.get((request.method, request.path))
        if request.method == "DELETE" and request.path.startswith("/testbed/faults/"):
            handler = self._remove_fault
        if handler is None:
            return _json(404, {"error": f"no endpoint {request.method} {request.path}"})
        try:
            return _json(200, handler(request))
        except Exception as error:
            return _json(400, {"error": f"{type(error).__name__}: {error}"})

    def _calls(self, request: Request) -> dict[str, Any]:
        calls = self.testbed.calls.of(_accounts(request))
        counts = Counter(f"{call['service']}:{call['operation']}" for call in calls)
        return {"counts": dict(sorted(counts.items())), "calls": calls}

    def _call(self, request: Request) -> Any:
        order = json.loads(request.body)
        if isinstance(order, list):
            return [self.seeding.call(entry) for entry in order]
        return self.seeding.call(order)

    def _remove_fault(self, request: Request) -> None:
        self.testbed.faults.remove(int(request.path.rsplit("/", 1)[-1]))

    def _set_regions(self, request: Request) -> None:
        order = json.loads(request.body)
        self.testbed.regions[order["account"]] = order["regions"]

    def _set_page_size(self, request: Request) -> None:
        order = json.loads(request.body)
        self.testbed.page_sizes[(order.get("account"), order["operation"])] = order["size"]


def _accounts(request: Request) -> set[str] | None:
    accounts = request.query_value("account")
    return set(accounts.split(",")) if accounts else None


def _json(status: int, value: Any) -> Response:
    return Response(status, [("Content-Type", "application/json")], json.dumps(value).encode())
