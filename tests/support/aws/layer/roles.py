"""AssumeRole as AWS grants it: the role exists and trusts the caller."""

import re
from typing import Any

from moto.iam.models import iam_backends
from moto.sts.models import AssumedRole, sts_backends

from .errors import error_response
from .http import Request, Response
from .identify import Call
from .organizations import organization_of
from .policies import allows
from .testbed import Testbed

ROLE_ARN = re.compile(r"arn:(aws|aws-us-gov|aws-cn):iam::(\d{12}):role/(?:.*/)?([^/]+)")
LONGEST_CHAINED_SESSION_SECONDS = 3600
LONGEST_POLICY = 2048


def assume_role(testbed: Testbed, request: Request, call: Call) -> Response | None:
    """Refuses what AWS refuses; moto answers the rest."""
    form = request.form()
    session = _session_of(call)
    caller = _caller_arn(call, session)
    role_arn = form.get("RoleArn", "")
    denied = f"User: {caller} is not authorized to perform: sts:AssumeRole on resource: {role_arn}"
    role = _find_role(role_arn, call.partition)
    if role is None:
        return error_response(request, call, 403, "AccessDenied", denied)
    context = {
        "aws:PrincipalAccount": call.account or "",
        "aws:PrincipalArn": session.role_arn if session else caller,
        "sts:RoleSessionName": form.get("RoleSessionName", ""),
    }
    organization = organization_of(call.account)
    if organization and organization.org:
        context["aws:PrincipalOrgID"] = organization.org.id
    if "ExternalId" in form:
        context["sts:ExternalId"] = form["ExternalId"]
    principals = {f"arn:{call.partition}:iam::{call.account}:root", call.account or "", caller}
    if session:
        principals.add(session.role_arn)
    if not allows(role.assume_role_policy_document, "sts:AssumeRole", principals, context):
        return error_response(request, call, 403, "AccessDenied", denied)
    return _refuse_parameters(request, call, form, role, session)


def assume_role_with_web_identity(testbed: Testbed, request: Request, call: Call) -> Response | None:
    """Accepts the tokens that were registered, each for its roles."""
    form = request.form()
    roles = testbed.web_identities.get(form.get("WebIdentityToken", ""))
    if roles is None:
        message = "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)"
        return error_response(request, call, 400, "InvalidIdentityToken", message)
    role_arn = form.get("RoleArn", "")
    role = _find_role(role_arn, call.partition)
    if role is None or role_arn not in roles:
        message = "Not authorized to perform sts:AssumeRoleWithWebIdentity"
        return error_response(request, call, 403, "AccessDenied", message)
    return _refuse_parameters(request, call, form, role, None)


def _refuse_parameters(
    request: Request, call: Call, form: dict[str, str], role: Any, session: AssumedRole | None
) -> Response | None:
    duration = int(form.get("DurationSeconds", "3600"))
    if session and duration > LONGEST_CHAINED_SESSION_SECONDS:
        message = "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining"
        return error_response(request, call, 400, "ValidationError", message)
    if duration > int(role.max_session_duration or 3600):
        message = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
        return error_response(request, call, 400, "ValidationError", message)
    if len(form.get("Policy", "")) > LONGEST_POLICY:
        message = (
            "1 validation error detected: Value at 'policy' failed to satisfy constraint: "
            f"Member must have length less than or equal to {LONGEST_POLICY}"
        )
        return error_response(request, call, 400, "ValidationError", message)
    return None


def _find_role(role_arn: str, partition: str) -> Any | None:
    """The role, where it is in the partition that is asked."""
    match = ROLE_ARN.fullmatch(role_arn)
    if match is None or match[1] != partition or match[2] not in iam_backends or _is_closed(match[2]):
        return None
    roles = list(iam_backends[match[2]][partition].roles.values())
    return next((role for role in roles if role.arn == role_arn), None)


def _is_closed(account: str) -> bool:
    organization = organization_of(account)
    members = organization.accounts if organization else []
    return any(member.id == account and member.status != "ACTIVE" for member in members)


def _session_of(call: Call) -> AssumedRole | None:
    if call.account is None or call.access_key is None:
        return None
    sessions = sts_backends[call.account][call.partition].assumed_roles
    return next((session for session in reversed(sessions) if session.access_key_id == call.access_key), None)


def _caller_arn(call: Call, session: AssumedRole | None) -> str:
    if session:
        return session.arn
    if call.account is None or call.access_key is None:
        return f"arn:{call.partition}:iam::{call.account}:root"
    user = iam_backends[call.account][call.partition].get_user_from_access_key_id(call.access_key)
    return user.arn if user else f"arn:{call.partition}:iam::{call.account}:root"
