"""Sessions that AWS opens by itself: those of the roles of functions."""

import json
from typing import Any

from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

SESSION_SECONDS = 12 * 3600


def open_session(order: dict[str, Any]) -> dict[str, str]:
    """Opens a session of `{role_arn}` for `{service}`, which the role must trust."""
    account = order["role_arn"].split(":")[4]
    role = iam_backends[account]["aws"].get_role_by_arn(order["role_arn"])
    statements = json.loads(role.assume_role_policy_document)["Statement"]
    if not any(_trusts(statement, order["service"]) for statement in statements):
        raise PermissionError(f"{role.arn} does not trust {order['service']}")
    session = sts_backends[account]["aws"].assume_role(
        region_name="us-east-1",
        role_session_name=role.name,
        role_arn=role.arn,
        policy="",
        duration=SESSION_SECONDS,
        external_id="",
    )
    return {
        "AccessKeyId": session.access_key_id,
        "SecretAccessKey": session.secret_access_key,
        "SessionToken": session.session_token,
    }


def _trusts(statement: dict[str, Any], service: str) -> bool:
    services = statement["Principal"].get("Service", [])
    return statement["Effect"] == "Allow" and service in ([services] if isinstance(services, str) else services)
