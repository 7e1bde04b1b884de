"""SESv2: the lists as newer SDKs ask for them, and the options of configuration sets."""

import json
from urllib.parse import urlencode

from .http import Request, Response
from .identify import Call
from .testbed import Testbed

FORMER_PATHS = {
    "ListConfigurationSets": "/v2/email/configuration-sets",
    "ListEmailIdentities": "/v2/email/identities",
}


def list_as_formerly(testbed: Testbed, request: Request, call: Call) -> Response | None:
    """Asks moto under the URIs that it knows, and for its own pages: it cannot take a size from the query string."""
    if request.method == "GET":
        return None
    token = json.loads(request.body or b"{}").get("NextToken")
    path = FORMER_PATHS[call.operation]
    query = urlencode({"NextToken": token}) if token else ""
    former = {"REQUEST_METHOD": "GET", "PATH_INFO": path, "QUERY_STRING": query, "RAW_URI": f"{path}?{query}"}
    former["REQUEST_URI"] = former["RAW_URI"]
    return testbed.moto.answer(Request({**request.environ, **former}, b""), call.account)


def get_configuration_set(testbed: Testbed, request: Request, call: Call) -> Response:
    """Takes the sending options out of the flag in them, into which moto puts them as they were given."""
    response = testbed.moto.answer(request, call.account)
    if response.status == 200:
        configuration_set = json.loads(response.body)
        flag = configuration_set["SendingOptions"]["SendingEnabled"]
        if isinstance(flag, dict):
            configuration_set["SendingOptions"] = flag
        response.body = json.dumps(configuration_set).encode()
    return response
