"""AWS Organizations for callers that are not the management account, and AWS's page sizes."""

import json

from moto.organizations.models import OrganizationsBackend, organizations_backends

from .errors import error_response
from .http import Request, Response
from .identify import Call
from .testbed import Testbed

PAGED_OPERATIONS = {"ListAccounts", "ListAccountsForParent", "ListOrganizationalUnitsForParent"}
READ_PREFIXES = ("List", "Describe")


def organization_of(account: str | None) -> OrganizationsBackend | None:
    """The organization that an account is in, in whatever partition."""
    if account in organizations_backends:
        for backend in list(organizations_backends[account].values()):
            if backend.org:
                return backend
    entry = organizations_backends.master_accounts.get(account or "")
    if entry is None:
        return None
    backend = organizations_backends[entry[0]][entry[1]]
    return backend if any(member.id == account for member in backend.accounts) else None


def management_account_of(account: str | None) -> str | None:
    """The management account of the organization that an account is in."""
    organization = organization_of(account)
    return organization.account_id if organization else None


def answer_organizations(testbed: Testbed, request: Request, call: Call) -> Response | None:
    """Shows the organization to its management account and delegated administrators only."""
    if not call.operation.startswith(READ_PREFIXES):
        return None
    organization = organization_of(call.account)
    if organization is None:
        message = "Your account is not a member of an organization."
        return error_response(request, call, 400, "AWSOrganizationsNotInUseException", message)
    management = organization.account_id
    if management != call.account and call.operation == "DescribeOrganization":
        return None
    if management != call.account and not _is_delegated_administrator(organization, call.account):
        message = "You don't have permissions to access this resource."
        return error_response(request, call, 400, "AccessDeniedException", message)
    if call.operation in PAGED_OPERATIONS:
        request.body = _limit_page(testbed, request, call)
    return testbed.moto.answer(request, management)


def set_account_state(order: dict[str, str]) -> None:
    """What moto does not know, or only AWS does: it has one state for accounts that are closed and those that are suspended."""
    organization = organization_of(order["account"])
    members = organization.accounts if organization else []
    member = next(member for member in members if member.id == order["account"])
    member.state = order["state"]
    member.status = "ACTIVE" if order["state"] == "ACTIVE" else "SUSPENDED"


def _is_delegated_administrator(organization: OrganizationsBackend, account: str | None) -> bool:
    return any(admin.account.id == account for admin in organization.admins)


def _limit_page(testbed: Testbed, request: Request, call: Call) -> bytes:
    parameters = json.loads(request.body or b"{}")
    size = testbed.page_size(call.account, f"organizations:{call.operation}")
    parameters["MaxResults"] = min(size, parameters.get("MaxResults") or size)
    return json.dumps(parameters).encode()
