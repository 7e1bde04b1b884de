"""AWS Organizations for callers that are not the management account, and AWS's page sizes."""

import json

from moto.organizations.models import organizations_backends

from .errors import error_response
from .http import Request, Response
from .identify import Call
from .testbed import Testbed

PAGED_OPERATIONS = {"ListAccounts", "ListAccountsForParent", "ListOrganizationalUnitsForParent"}
READ_PREFIXES = ("List", "Describe")


def management_account_of(account: str) -> str | None:
    """The management account of the organization that an account is in."""
    if account in organizations_backends and organizations_backends[account]["aws"].org:
        return account
    entry = organizations_backends.master_accounts.get(account)
    if entry is None:
        return None
    members = organizations_backends[entry[0]]["aws"].accounts
    return entry[0] if any(member.id == account for member in members) else None


def answer_organizations(testbed: Testbed, request: Request, call: Call) -> Response | None:
    """Shows the organization to its management account and delegated administrators only."""
    if not call.operation.startswith(READ_PREFIXES):
        return None
    management = management_account_of(call.account or "")
    if management is None:
        message = "Your account is not a member of an organization."
        return error_response(request, call, 400, "AWSOrganizationsNotInUseException", message)
    if management != call.account and call.operation == "DescribeOrganization":
        return None
    if management != call.account and not _is_delegated_administrator(management, call.account):
        message = "You don't have permissions to access this resource."
        return error_response(request, call, 400, "AccessDeniedException", message)
    if call.operation in PAGED_OPERATIONS:
        request.body = _limit_page(testbed, request, call)
    return testbed.moto.answer(request, management)


def _is_delegated_administrator(management: str, account: str | None) -> bool:
    return any(admin.account.id == account for admin in organizations_backends[management]["aws"].admins)


def _limit_page(testbed: Testbed, request: Request, call: Call) -> bytes:
    parameters = json.loads(request.body or b"{}")
    size = testbed.page_size(call.account, f"organizations:{call.operation}")
    parameters["MaxResults"] = min(size, parameters.get("MaxResults") or size)
    return json.dumps(parameters).encode()
