"""Who made a call, and what it was made for, in the terms of IAM's policies."""

import json

from moto.sts.models import sts_backends

from .http import Request
from .identify import Call


def role_of(call: Call) -> str | None:
    """The ARN of the role whose session made the call."""
    if call.account is None or call.access_key is None:
        return None
    for backend in sts_backends[call.account].values():
        session = backend.get_assumed_role_from_access_key(call.access_key)
        if session:
            return session.role_arn
    return None


def resource_of(request: Request, call: Call) -> str | None:
    """The ARN of what a call is for, where the services that the functions use as themselves tell it."""
    if call.service == "s3":
        return f"arn:{call.partition}:s3:::{request.path.strip('/')}"
    if call.service == "sts":
        return call.parameters.get("RoleArn")
    if call.service not in ("secretsmanager", "sqs") or call.protocol != "json":
        return None
    body = json.loads(request.body or b"{}")
    if call.service == "secretsmanager":
        return body.get("SecretId")
    queue = body.get("QueueUrl", "").rsplit("/", 2)
    return f"arn:{call.partition}:sqs:{call.region}:{queue[-2]}:{queue[-1]}" if len(queue) == 3 else None
