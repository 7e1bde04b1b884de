"""AssumeRole as AWS grants it: the role exists and trusts the caller."""

import re
from typing import Any

from moto.iam.models import iam_backends
from moto.sts.models import AssumedRole, sts_backends

from .errors import error_response
from .http import Request, Response
from .identify import Call
from .organizations import organization_of
from .policies import NotEvaluatedError, TrustRequest, allows
from .testbed import Testbed
from .trust import is_bound_to

ROLE_ARN = re.compile(r"arn:(aws|aws-us-gov|aws-cn):iam::(\d{12}):role/(?:.*/)?([^/]+)")
LONGEST_CHAINED_SESSION_SECONDS = 3600
LONGEST_POLICY = 2048


def assume_role(testbed: Testbed, request: Request, call: Call) -> Response | None:
    """Refuses what AWS refuses; moto answers the rest."""
    with testbed.moto.lock:
        return _refuse_caller(request, call)


def _refuse_caller(request: Request, call: Call) -> Response | None:
    form = request.form()
    session = _session_of(call)
    caller = _caller_arn(call, session)
    role_arn = form.get("RoleArn", "")
    denied = f"User: {caller} is not authorized to perform: sts:AssumeRole on resource: {role_arn}"
    role = find_role(role_arn, call.partition)
    if role is None:
        return error_response(request, call, 403, "AccessDenied", denied)
    # The role of a session, not the session itself; the ARN of a role has its path, that of a session has not.
    principal_arn = session.role_arn if session else caller
    principals = {f"arn:{call.partition}:iam::{call.account}:root", call.account or "", caller}
    if is_bound_to(role, principal_arn):
        principals.add(principal_arn)
    else:
        principals.discard(principal_arn)
    context = {
        "aws:PrincipalAccount": call.account,
        "aws:PrincipalArn": principal_arn,
        "aws:PrincipalOrgID": _organization_id_of(call.account),
        "sts:ExternalId": form.get("ExternalId"),
        "sts:RoleSessionName": form.get("RoleSessionName"),
    }
    trust_request = TrustRequest("sts:AssumeRole", {"AWS": principals}, context)
    return check_trust(request, call, role, trust_request, denied) or refuse_parameters(
        request, call, form, role, session
    )


def check_trust(request: Request, call: Call, role: Any, trust_request: TrustRequest, denied: str) -> Response | None:
    """The refusal where the role does not trust the caller, and another one where nobody here can say."""
    try:
        if allows(role.assume_role_policy_document, trust_request):
            return None
    except NotEvaluatedError as error:
        message = f"the testbed does not evaluate {error} in the trust policy of {role.arn}"
        return error_response(request, call, 400, "NotEmulated", message)
    return error_response(request, call, 403, "AccessDenied", denied)


def refuse_parameters(
    request: Request, call: Call, form: dict[str, str], role: Any, session: AssumedRole | None
) -> Response | None:
    """The refusal of a session that would last too long, or of a session policy that is too long."""
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


def find_role(role_arn: str, partition: str) -> Any | None:
    """The role of an ARN, where it is in the partition that is asked, unless its account is closed."""
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


def _organization_id_of(account: str | None) -> str | None:
    organization = organization_of(account)
    return organization.org.id if organization and organization.org else None
