"""Faults that tests order: errors, silence, broken connections, delays."""

import itertools
import struct
import threading
import time
import uuid
from dataclasses import dataclass, field
from errno import ECONNRESET
from socket import SO_LINGER, SOL_SOCKET
from typing import Any

from .errors import error_response
from .http import Request, Response
from .identify import Call

LONGEST_SILENCE_SECONDS = 120
SILENCE_STEP_SECONDS = 0.02


@dataclass
class Fault:
    """What goes wrong, and for which calls. A criterion that is None matches every call."""

    id: int
    account: str | None
    region: str | None
    service: str | None
    operation: str | None
    resource: str | None
    remaining: int | None
    beyond: dict[str, Any] | None
    """What the service bears before the fault hits: `{in_flight}`, or `{calls, ms}`."""
    effect: Any
    under_way: set[int] = field(default_factory=set)
    """Calls that are in flight and were let through, by the ids of their objects."""
    let_through: list[float] = field(default_factory=list)
    """When calls of the present window were let through."""

    def matches(self, call: Call) -> bool:
        """Whether this fault is meant for the call."""
        criteria = [
            (self.account, call.account),
            (self.region, call.region),
            (self.service, call.service),
            (self.operation, call.operation),
        ]
        if any(wanted is not None and wanted != actual for wanted, actual in criteria):
            return False
        return self.resource is None or self.resource in call.resource

    def lets_through(self, call: Call) -> bool:
        """Whether the service bears this call too. If so, it counts from now on."""
        if self.beyond is None:
            return False
        if "in_flight" in self.beyond:
            if len(self.under_way) >= self.beyond["in_flight"]:
                return False
            self.under_way.add(id(call))
            return True
        now = time.monotonic()
        self.let_through = [moment for moment in self.let_through if moment > now - self.beyond["ms"] / 1000]
        if len(self.let_through) >= self.beyond["calls"]:
            return False
        self.let_through.append(now)
        return True


class Faults:
    """The faults that are ordered. Of several that match a call, the first by precedence and age is used."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ids = itertools.count(1)
        self._faults: list[Fault] = []

    def add(self, order: dict[str, Any]) -> int:
        """Orders a fault and gives its id."""
        known = {"account", "region", "service", "operation", "resource", "times", "beyond", "effect"}
        unknown = set(order) - known
        if unknown or not _is_effect(order.get("effect")):
            raise ValueError(f"not a fault: {order}")
        with self._lock:
            fault = Fault(
                id=next(self._ids),
                account=order.get("account"),
                region=order.get("region"),
                service=order.get("service"),
                operation=order.get("operation"),
                resource=order.get("resource"),
                remaining=order.get("times"),
                beyond=order.get("beyond"),
                effect=order["effect"],
            )
            self._faults.append(fault)
            return fault.id

    def remove(self, fault_id: int) -> None:
        """Takes one fault back."""
        with self._lock:
            self._faults = [fault for fault in self._faults if fault.id != fault_id]

    def clear(self, accounts: set[str] | None) -> None:
        """Takes back the faults of some accounts, or all."""
        with self._lock:
            self._faults = [fault for fault in self._faults if accounts is not None and fault.account not in accounts]

    def take(self, call: Call) -> Fault | None:
        """The fault for this call, if there is one; it is used up once."""
        with self._lock:
            for fault in sorted(self._faults, key=_precedence):
                if fault.remaining == 0 or not fault.matches(call) or fault.lets_through(call):
                    continue
                if fault.remaining is not None:
                    fault.remaining -= 1
                return fault
        return None

    def ended(self, call: Call) -> None:
        """Tells that a call is not in flight any more."""
        with self._lock:
            for fault in self._faults:
                fault.under_way.discard(id(call))


def answer_with(fault: Fault, request: Request, call: Call) -> Response | None:
    """Carries a fault out. None means that the call goes on."""
    effect = fault.effect
    if effect == "timeout":
        _be_silent(request)
        break_connection(request)
    if effect == "reset":
        break_connection(request)
    if effect == "answer_lost":
        return None
    if "delay_ms" in effect:
        time.sleep(effect["delay_ms"] / 1000)
        return None
    if "body" in effect:
        return _given_answer(effect, call)
    return error_response(request, call, effect["status"], effect["code"], effect.get("message", effect["code"]))


def _given_answer(effect: dict[str, Any], call: Call) -> Response:
    content_type = f"application/x-amz-json-{call.json_version}" if "json" in call.protocol else "text/xml"
    request_id = str(uuid.uuid4())
    headers = [("Content-Type", content_type), ("x-amzn-RequestId", request_id), ("x-amz-request-id", request_id)]
    return Response(effect["status"], headers, effect["body"].encode())


def break_connection(request: Request) -> None:
    """Ends the connection without an answer."""
    connection = request.environ["testbed.socket"]
    connection.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
    raise ConnectionResetError(ECONNRESET, "broken by a fault")


def _be_silent(request: Request) -> None:
    end = time.monotonic() + LONGEST_SILENCE_SECONDS
    while time.monotonic() < end and not request.client_has_left():
        time.sleep(SILENCE_STEP_SECONDS)


def _precedence(fault: Fault) -> int:
    """What goes wrong comes before what is answered, and an answer for once before one for always."""
    if not isinstance(fault.effect, dict) or "body" not in fault.effect:
        return 0
    return 1 if fault.remaining is not None else 2


def _is_effect(effect: Any) -> bool:
    if isinstance(effect, str):
        return effect in ("timeout", "reset", "answer_lost")
    return isinstance(effect, dict) and (
        "delay_ms" in effect or {"status", "code"} <= set(effect) or {"status", "body"} <= set(effect)
    )
