"""Error answers in the format of each AWS protocol."""

import json
import re
import uuid
from xml.sax.saxutils import escape

from .http import Request, Response
from .identify import Call, service_model

JSON_CODE = re.compile(rb'"__type"\s*:\s*"(?:[^"#]*#)?([^"]+)"')
XML_CODE = re.compile(rb"<Code>([^<]+)</Code>")


def error_response(request: Request, call: Call, status: int, code: str, message: str) -> Response:
    """An error as the called service would send it."""
    request_id = str(uuid.uuid4())
    if request.method == "HEAD":
        return Response(status, [("x-amz-request-id", request_id)])
    if call.protocol == "json":
        return _json_error(call, status, code, message, request_id)
    if call.protocol == "rest-json":
        headers = [
            ("Content-Type", "application/json"),
            ("x-amzn-ErrorType", code),
            ("x-amzn-RequestId", request_id),
        ]
        return Response(status, headers, json.dumps({"message": message}).encode())
    return _xml_error(call, status, code, message, request_id)


def error_code(response: Response) -> str | None:
    """The error code of an answer, None where it succeeded or names none."""
    if response.status < 300:
        return None
    header = response.header("x-amzn-ErrorType")
    if header:
        return header.split(":")[0].rsplit("#", 1)[-1]
    match = JSON_CODE.search(response.body) or XML_CODE.search(response.body)
    return match[1].decode() if match else None


def _json_error(call: Call, status: int, code: str, message: str, request_id: str) -> Response:
    headers = [
        ("Content-Type", f"application/x-amz-json-{call.json_version}"),
        ("x-amzn-RequestId", request_id),
    ]
    model = service_model(call.service)
    if model and "awsQueryCompatible" in model.metadata:
        fault = "Sender" if status < 500 else "Receiver"
        headers.append(("x-amzn-query-error", f"{code};{fault}"))
    return Response(status, headers, json.dumps({"__type": code, "message": message}).encode())


def _xml_error(call: Call, status: int, code: str, message: str, request_id: str) -> Response:
    inner = f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
    if call.protocol == "ec2":
        body = f"<Response><Errors><Error>{inner}</Error></Errors><RequestID>{request_id}</RequestID></Response>"
    elif call.service == "s3":
        body = f"<Error>{inner}<RequestId>{request_id}</RequestId><HostId>testbed</HostId></Error>"
    else:
        fault = "Sender" if status < 500 else "Receiver"
        error = f"<Error><Type>{fault}</Type>{inner}</Error>"
        body = f"<ErrorResponse>{error}<RequestId>{request_id}</RequestId></ErrorResponse>"
    headers = [("Content-Type", "text/xml"), ("x-amzn-RequestId", request_id), ("x-amz-request-id", request_id)]
    return Response(status, headers, f'<?xml version="1.0" encoding="UTF-8"?>\n{body}'.encode())
