"""Who calls what: account, service, operation and region of an AWS request, whatever its protocol."""

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs, unquote

import botocore.session
from botocore.exceptions import UnknownServiceError
from botocore.model import OperationModel, ServiceModel
from moto.iam.models import iam_backends
from moto.utilities.utils import get_partition

from .http import Request

CREDENTIAL = re.compile(r"Credential=([^/,]+)/\d{8}/([^/]+)/([^/]+)/aws4_request")
ROLE_ACCOUNT = re.compile(r"arn:[^:]+:iam::(\d{12}):")

# Services whose name in botocore is not the name they are signed with.
SERVICES_BY_SIGNING_NAME = {
    "airflow": "mwaa",
    "cloudcontrolapi": "cloudcontrol",
    "elasticfilesystem": "efs",
    "elasticloadbalancing": "elbv2",
    "elasticmapreduce": "emr",
    "es": "opensearch",
    "monitoring": "cloudwatch",
    "ses": "sesv2",
    "states": "stepfunctions",
    "tagging": "resourcegroupstaggingapi",
}

# What newer SDKs call under URIs that this botocore does not know.
NEWER_ROUTES = {
    ("POST", "/v2/email/list-configuration-sets"): "ListConfigurationSets",
    ("POST", "/v2/email/list-identities"): "ListEmailIdentities",
}


@dataclass
class Call:
    """One AWS call."""

    account: str | None
    access_key: str | None
    service: str
    operation: str
    region: str
    protocol: str
    """`json`, `query`, `ec2`, `rest-json` or `rest-xml`."""
    json_version: str
    resource: str
    """Everything a resource may be named in: path, query string and body."""
    parameters: dict[str, Any] = field(default_factory=dict)
    """What is kept of the parameters: those of AssumeRole and its like, and the path of a REST call."""

    @property
    def partition(self) -> str:
        """`aws`, `aws-us-gov` or `aws-cn`."""
        return get_partition(self.region)


def identify(request: Request) -> Call | None:
    """Names a call. None if this is no AWS request."""
    access_key, region, service = _credential_scope(request)
    target = request.header("X-Amz-Target")
    content_type = request.header("Content-Type") or ""
    call = Call(
        account=account_of_access_key(access_key, get_partition(region or "us-east-1")),
        access_key=access_key,
        service=service or "",
        operation="",
        region=region or "us-east-1",
        protocol="json",
        json_version="1.0" if "json-1.0" in content_type else "1.1",
        resource=_resource(request),
    )
    if target and service:
        call.operation = target.rsplit(".", 1)[-1]
        return call
    if content_type.startswith("application/x-www-form-urlencoded"):
        return _query_call(request, call)
    if not service:
        return None
    return _rest_call(request, call)


def account_of_access_key(access_key: str | None, partition: str) -> str | None:
    """The account that an access key belongs to, if there is such a key. No partition knows the keys of another."""
    if access_key is None:
        return None
    for account_id, partitions in list(iam_backends.items()):
        backend = partitions.get(partition)
        if backend is not None and access_key in backend.access_keys:
            return account_id
    return None


def service_model(signing_name: str) -> ServiceModel | None:
    """botocore's model of a service."""
    return _service_model(SERVICES_BY_SIGNING_NAME.get(signing_name, signing_name))


@lru_cache
def _service_model(name: str) -> ServiceModel | None:
    try:
        return _botocore_session().get_service_model(name)
    except UnknownServiceError:
        return None


@lru_cache
def _botocore_session() -> botocore.session.Session:
    return botocore.session.Session()


def _credential_scope(request: Request) -> tuple[str | None, str | None, str | None]:
    match = CREDENTIAL.search(request.header("Authorization") or "")
    if match is None:
        return None, None, None
    return match[1], match[2], match[3]


def _resource(request: Request) -> str:
    query = unquote(request.environ.get("QUERY_STRING", ""))
    body = request.body[:100_000].decode("utf-8", "replace")
    if (request.header("Content-Type") or "").startswith("application/x-www-form-urlencoded"):
        body = unquote(body.replace("+", " "))
    return "\n".join([request.path, query, body])


def _query_call(request: Request, call: Call) -> Call | None:
    form = request.form()
    if "Action" not in form:
        return None
    call.operation = form["Action"]
    call.service = call.service or "sts"
    call.protocol = "ec2" if call.service == "ec2" else "query"
    if call.operation.startswith("AssumeRole"):
        call.parameters = _assume_role_parameters(form)
    if call.access_key is None and call.operation == "AssumeRoleWithWebIdentity":
        # The caller has no account yet: the call is kept with that of the role.
        match = ROLE_ACCOUNT.match(form.get("RoleArn", ""))
        call.account = match[1] if match else None
    return call


def _assume_role_parameters(form: dict[str, str]) -> dict[str, Any]:
    kept = ("RoleArn", "RoleSessionName", "ExternalId", "DurationSeconds", "Policy", "WebIdentityToken")
    parameters: dict[str, Any] = {name: form[name] for name in kept if name in form}
    policy_arns = [value for name, value in form.items() if name.startswith("PolicyArns.")]
    if policy_arns:
        parameters["PolicyArns"] = policy_arns
    if "Policy" in parameters:
        parameters["PolicyLength"] = len(parameters["Policy"])
    return parameters


def _rest_call(request: Request, call: Call) -> Call:
    model = service_model(call.service)
    call.protocol = "rest-xml" if model and model.metadata["protocol"] == "rest-xml" else "rest-json"
    route = (request.method, request.path)
    call.operation = NEWER_ROUTES.get(route) or _rest_operation(request, model) or " ".join(route)
    call.parameters = {"Path": request.path}
    return call


def _rest_operation(request: Request, model: ServiceModel | None) -> str | None:
    """Matches method and URI against the service model; of several operations the most specific one."""
    if model is None:
        return None
    query = request.query
    best: tuple[int, str] | None = None
    for method, pattern, static_query, literal_length, operation in _routes(model.service_name):
        if method != request.method or not pattern.fullmatch(request.path):
            continue
        if any(name not in query or (value and query[name] != [value]) for name, value in static_query):
            continue
        required = _required_parameters(operation)
        if any(not _has_parameter(request, location, name) for location, name in required):
            continue
        score = 1000 * literal_length + 100 * len(static_query) + len(required)
        if best is None or score > best[0]:
            best = (score, operation.name)
    return best[1] if best else None


@lru_cache
def _routes(service_name: str) -> list[tuple[str, re.Pattern, list[tuple[str, str]], int, OperationModel]]:
    model = _service_model(service_name)
    assert model is not None
    routes = []
    for name in model.operation_names:
        operation = model.operation_model(name)
        path, _, query = operation.http["requestUri"].partition("?")
        static_query = [(key, values[0]) for key, values in parse_qs(query, keep_blank_values=True).items()]
        literals = re.split(r"\{[^}]+\}", path)
        placeholders = re.findall(r"\{[^}]+\}", path)
        expression = re.escape(literals[0])
        for placeholder, literal in zip(placeholders, literals[1:], strict=True):
            expression += (".+" if placeholder.endswith("+}") else "[^/]+") + re.escape(literal)
        pattern = re.compile(expression.rstrip("/") + "/?", re.DOTALL)
        routes.append((operation.http["method"], pattern, static_query, sum(map(len, literals)), operation))
    return routes


def _required_parameters(operation: OperationModel) -> list[tuple[str, str]]:
    shape = operation.input_shape
    if shape is None:
        return []
    members = [shape.members[name].serialization for name in shape.required_members]
    return [
        (member["location"], member["name"])
        for member in members
        if member.get("location") in ("querystring", "header")
    ]


def _has_parameter(request: Request, location: str, name: str) -> bool:
    return name in request.query if location == "querystring" else request.header(name) is not None
