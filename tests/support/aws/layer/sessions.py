"""Sessions that AWS opens by itself: those of the roles of functions."""

import json
from typing import Any

from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

SESSION_SECONDS = 12 * 3600
# Some region of each partition: a session says by it which partition it is of.
REGIONS = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}


def open_session(order: dict[str, Any]) -> dict[str, str]:
    """Opens a session of `{role_arn}` for `{service}`, which the role must trust."""
    _, partition, _, _, account, _ = order["role_arn"].split(":", 5)
    role = iam_backends[account][partition].get_role_by_arn(order["role_arn"])
    statements = json.loads(role.assume_role_policy_document)["Statement"]
    if not any(_trusts(statement, order["service"]) for statement in statements):
        raise PermissionError(f"{role.arn} does not trust {order['service']}")
    session = sts_backends[account][partition].assume_role(
        region_name=REGIONS[partition],
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
