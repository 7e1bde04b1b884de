"""SQS: waiting for messages without holding moto, and time that passes on demand."""

import json
import time
from typing import Any

from moto.core.utils import unix_time_millis
from moto.sqs.models import Message, Queue, sqs_backends

from .http import Request, Response
from .identify import Call
from .testbed import Testbed

STEP_SECONDS = 0.2
LONGEST_WAIT_SECONDS = 20.0


def receive_message(testbed: Testbed, request: Request, call: Call) -> Response:
    """Waits as long as the caller asks for. moto would wait too, but nothing else could use it meanwhile."""
    parameters = json.loads(request.body or b"{}")
    wait_seconds = parameters.get("WaitTimeSeconds")
    if wait_seconds is None:
        wait_seconds = _default_wait_seconds(testbed, call, parameters.get("QueueUrl", ""))
    parameters["WaitTimeSeconds"] = 0
    request.body = json.dumps(parameters).encode()
    end = time.monotonic() + min(float(wait_seconds), LONGEST_WAIT_SECONDS)
    while True:
        response = testbed.moto.answer(request, call.account)
        if response.status != 200 or json.loads(response.body or b"{}").get("Messages"):
            return response
        if not _wait_for_change(testbed, request, end):
            return response


def wait_until_visible(testbed: Testbed, request: Request, order: dict[str, Any]) -> dict[str, Any]:
    """Waits until a message can be received, without receiving it."""
    end = time.monotonic() + order.get("timeout_ms", 1000) / 1000
    while True:
        counts = message_counts(testbed, order)
        if counts["visible"] or not _wait_for_change(testbed, request, end):
            return counts


def message_counts(testbed: Testbed, order: dict[str, Any]) -> dict[str, int]:
    """How many messages of a queue can be received, are in flight, are delayed."""
    with testbed.moto.lock:
        messages = _queue(order)._messages
        delayed = sum(message.delayed for message in messages)
        in_flight = sum(not message.visible and not message.delayed for message in messages)
        return {"visible": len(messages) - delayed - in_flight, "in_flight": in_flight, "delayed": delayed}


def list_messages(testbed: Testbed, order: dict[str, Any]) -> list[dict[str, Any]]:
    """The messages of a queue, without receiving them."""
    with testbed.moto.lock:
        return [
            {
                "MessageId": message.id,
                "Body": message.body,
                "ReceiveCount": message.approximate_receive_count,
                "State": "delayed" if message.delayed else "visible" if message.visible else "in_flight",
            }
            for message in _queue(order)._messages
        ]


def advance(testbed: Testbed, order: dict[str, Any]) -> dict[str, int]:
    """Lets time pass for the messages that wait, but those in process (`except`, by id).

    By default until the first of them can be received, so that their order stays; with `all` until all of them can.
    """
    in_process = set(order.get("except", []))
    with testbed.moto.lock:
        now = unix_time_millis()
        waiting = [message for message in _queue(order)._messages if _due_at(message) >= now]
        waiting = [message for message in waiting if message.id not in in_process]
        if not waiting:
            return {"advanced": 0}
        due_times = [_due_at(message) for message in waiting]
        passed = (max(due_times) if order.get("all") else min(due_times)) - now + 1
        for message in waiting:
            message.delayed_until -= passed
            message.visible_at -= passed
        advanced = sum(_due_at(message) < now for message in waiting)
    testbed.notify_queues()
    return {"advanced": advanced}


def _due_at(message: Message) -> float:
    return max(message.delayed_until, message.visible_at)


def _queue(order: dict[str, Any]) -> Queue:
    name = order["queue"].rstrip("/").rsplit("/", 1)[-1]
    return sqs_backends[order["account"]][order["region"]].get_queue(name)


def _default_wait_seconds(testbed: Testbed, call: Call, queue_url: str) -> int:
    name = queue_url.rstrip("/").rsplit("/", 1)[-1]
    with testbed.moto.lock:
        queue = sqs_backends[call.account or ""][call.region].queues.get(name)
        return int(queue.receive_message_wait_time_seconds) if queue else 0


def _wait_for_change(testbed: Testbed, request: Request, end: float) -> bool:
    remaining = end - time.monotonic()
    if remaining <= 0 or request.client_has_left():
        return False
    with testbed.queues_changed:
        # In steps: messages also become visible by the passing of time.
        testbed.queues_changed.wait(min(remaining, STEP_SECONDS))
    return not request.client_has_left()
