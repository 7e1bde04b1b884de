#!/usr/bin/env python3
"""A function in a few lines, to test the host with: it does what its event, or the body of the message, asks for."""

import http.client
import json
import os
import sys
import threading


def answer(event: dict) -> tuple[str, object]:
    """The endpoint to post to, and what."""
    records = event.get("Records")
    order = json.loads(records[0]["body"]) if records else event
    print(f"asked to {order['do']}", flush=True)
    if order["do"] == "die":
        os._exit(7)
    if order["do"] == "hang":
        threading.Event().wait()
    if order["do"] == "fail":
        return "error", {"errorType": "TestError", "errorMessage": "as ordered"}
    if order["do"] == "show environment":
        return "response", dict(os.environ)
    if order["do"] == "show event":
        return "response", event
    if records and order["do"] == "refuse":
        received = int(records[0]["attributes"]["ApproximateReceiveCount"])
        if received <= order["times"]:
            return "response", {"batchItemFailures": [{"itemIdentifier": records[0]["messageId"]}]}
    return "response", {"batchItemFailures": []} if records else {"process": os.getpid()}


def main() -> None:
    """Asks for work and does it, for ever."""
    if os.environ.get("FAIL_TO_START"):
        sys.exit(1)
    connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    base = "/2018-06-01/runtime/invocation"
    while True:
        connection.request("GET", f"{base}/next")
        response = connection.getresponse()
        request_id = response.getheader("Lambda-Runtime-Aws-Request-Id")
        event = json.loads(response.read())
        if event.get("do") == "show headers":
            endpoint, result = "response", dict(response.getheaders())
        else:
            endpoint, result = answer(event)
        connection.request("POST", f"{base}/{request_id}/{endpoint}", json.dumps(result))
        connection.getresponse().read()


if __name__ == "__main__":
    main()
