"""`account:ListRegions`, which moto does not have."""

import base64
import json
import uuid

from .errors import error_response
from .http import Request, Response
from .identify import Call
from .organizations import management_account_of
from .testbed import Testbed


def list_regions(testbed: Testbed, request: Request, call: Call) -> Response:
    """Lists the regions of the caller's account, or of a member of its organization."""
    parameters = json.loads(request.body or b"{}")
    account = parameters.get("AccountId") or call.account
    if account != call.account and management_account_of(account) != call.account:
        message = f"User is not authorized to perform: account:ListRegions on account {account}"
        return error_response(request, call, 403, "AccessDeniedException", message)
    wanted = parameters.get("RegionOptStatusContains")
    regions = [
        {"RegionName": name, "RegionOptStatus": status}
        for name, status in sorted(testbed.regions_of(account).items())
        if not wanted or status in wanted
    ]
    size = testbed.page_size(call.account, "account:ListRegions")
    size = min(size, parameters.get("MaxResults") or size)
    start = _offset(parameters.get("NextToken"))
    if start is None:
        return error_response(request, call, 400, "ValidationException", "Invalid NextToken")
    answer: dict = {"Regions": regions[start : start + size]}
    if start + size < len(regions):
        answer["NextToken"] = base64.b64encode(str(start + size).encode()).decode()
    headers = [("Content-Type", "application/json"), ("x-amzn-RequestId", str(uuid.uuid4()))]
    return Response(200, headers, json.dumps(answer).encode())


def _offset(token: str | None) -> int | None:
    if token is None:
        return 0
    try:
        return int(base64.b64decode(token))
    except ValueError:
        return None
