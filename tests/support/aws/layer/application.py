"""The WSGI application: orders of the tests, and AWS calls with their faults and their log."""

from collections.abc import Callable, Iterable
from typing import Any

from . import buckets, cloud_control, mail, organizations, queues, regions, roles, web_identity
from .access import resource_of, role_of
from .control import Control
from .errors import error_code, error_response
from .faults import answer_with, break_connection
from .http import Request, Response
from .identify import Call, identify
from .seeding import Seeding
from .testbed import Testbed
from .trust import bind_principals

Answer = Callable[[Testbed, Request, Call], Response | None]

# What the layer answers, or checks, before moto. An operation of None stands for the whole service.
ANSWERS: dict[tuple[str, str | None], Answer] = {
    ("account", "ListRegions"): regions.list_regions,
    ("cloudcontrolapi", None): cloud_control.answer_cloud_control,
    ("organizations", None): organizations.answer_organizations,
    ("s3", "ListBuckets"): buckets.list_buckets,
    ("ses", "GetConfigurationSet"): mail.get_configuration_set,
    ("ses", "ListConfigurationSets"): mail.list_as_formerly,
    ("ses", "ListEmailIdentities"): mail.list_as_formerly,
    ("sqs", "ReceiveMessage"): queues.receive_message,
    ("sts", "AssumeRole"): roles.assume_role,
    ("sts", "AssumeRoleWithWebIdentity"): web_identity.assume_role_with_web_identity,
}
UNKNOWN_CREDENTIALS_MESSAGE = "The security token included in the request is invalid."


class Application:
    """Everything behind the one port."""

    def __init__(self) -> None:
        bind_principals()
        self.testbed = Testbed()
        self._control = Control(self.testbed, Seeding(self._answer_seeding, lambda: self.testbed.endpoint))

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answers one request of the server."""
        request = Request.read(environ)
        response = self._answer(request)
        headers = [(name, value) for name, value in response.headers if name.lower() != "content-length"]
        length = response.header("Content-Length") if request.method == "HEAD" else None
        headers.append(("Content-Length", length or str(len(response.body))))
        start_response(response.status_line, headers)
        return [] if request.method == "HEAD" else [response.body]

    def _answer(self, request: Request) -> Response:
        if request.path.startswith("/testbed/"):
            return self._control.answer(request)
        # Whose a call is stands in moto's state, which changes under other threads.
        with self.testbed.moto.lock:
            call = identify(request)
            role = role_of(call) if call else None
        if call is None:
            return self.testbed.moto.answer(request, None)
        entry: dict[str, Any] = {
            "account": call.account,
            "role": role,
            "resource": resource_of(request, call),
            "service": call.service,
            "operation": call.operation,
            "region": call.region,
            "path": request.path,
            "status": None,
            "error_code": None,
            "parameters": call.parameters,
        }
        # Before the answer: a fault may keep it back or break the connection, and there was a call all the same.
        self.testbed.calls.add(entry)
        try:
            response = self._answer_call(request, call)
        finally:
            self.testbed.faults.ended(call)
        entry["status"] = response.status
        entry["error_code"] = error_code(response)
        return response

    def _answer_call(self, request: Request, call: Call) -> Response:
        fault = self.testbed.faults.take(call)
        response = answer_with(fault, request, call) if fault else None
        if response is not None:
            return response
        if call.access_key is not None and call.account is None:
            return _unknown_credentials(request, call)
        response = self._perform(request, call)
        if fault and fault.effect == "answer_lost":
            break_connection(request)
        return response

    def _perform(self, request: Request, call: Call) -> Response:
        answer = ANSWERS.get((call.service, call.operation)) or ANSWERS.get((call.service, None))
        response = answer(self.testbed, request, call) if answer else None
        if response is None:
            response = self.testbed.moto.answer(request, call.account)
        if call.service == "sqs" and call.operation != "ReceiveMessage":
            self.testbed.notify_queues()
        return response

    def _answer_seeding(self, request: Request, account: str) -> Response:
        with self.testbed.moto.lock:
            call = identify(request)
        if call is None:
            return self.testbed.moto.answer(request, account)
        call.account = account
        call.access_key = None
        return self._perform(request, call)


def _unknown_credentials(request: Request, call: Call) -> Response:
    if call.service == "s3":
        message = "The AWS Access Key Id you provided does not exist in our records."
        return error_response(request, call, 403, "InvalidAccessKeyId", message)
    if call.protocol in ("query", "ec2"):
        return error_response(request, call, 403, "InvalidClientTokenId", UNKNOWN_CREDENTIALS_MESSAGE)
    return error_response(request, call, 400, "UnrecognizedClientException", UNKNOWN_CREDENTIALS_MESSAGE)
