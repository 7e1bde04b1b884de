"""AWS Cloud Control, which moto does not have: types and resources as tests register them.

Written from the API reference of Cloud Control (operations, limits, error codes) and from the user guide's pages on
listing and reading resources. Error messages are those that users of the API report; only their codes are documented.
It has no handlers and no services behind it: what a test puts is what there is.
"""

import base64
import json
import uuid
from dataclasses import dataclass, field
from typing import Any

from .http import Request, Response
from .identify import Call
from .testbed import Testbed

ERROR_NAMESPACE = "com.amazon.cloudapiservice"
LARGEST_PAGE = 100

Model = dict[str, Any]


@dataclass
class ResourceType:
    """A type as an account knows it, and the account's resources of it by region."""

    primary_identifier: list[str]
    properties: set[str]
    listed_properties: set[str]
    """What ListResources gives; GetResource gives all."""
    required_to_list: list[str]
    """Members of the resource model without which the list handler refuses."""
    handlers: set[str]
    regions: set[str] | None
    """Where the type is registered; everywhere if None."""
    is_global: bool
    """Whether every region has the same resources."""
    resources: dict[str, list[Model]] = field(default_factory=dict)

    def in_region(self, region: str) -> list[Model]:
        """The resources that a region has, in the order in which they were put."""
        if self.is_global:
            return [model for models in self.resources.values() for model in models]
        return self.resources.get(region, [])

    def identifier_of(self, model: Model) -> str:
        """The primary identifier: its parts, joined as the user guide says."""
        return "|".join(str(model[name]) for name in self.primary_identifier)


class CloudControlError(Exception):
    """An error of the API."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def register(testbed: Testbed, order: dict[str, Any]) -> None:
    """Registers a type in an account, or puts resources of it: `{account, type, schema}` or `{…, region, resources}`.

    Resources replace those that the region had.
    """
    types = testbed.cloud_control.setdefault(order["account"], {})
    if "schema" in order:
        types[order["type"]] = _type_of(order["schema"])
        return
    resource_type = types[order["type"]]
    for model in order["resources"]:
        unknown = set(model) - resource_type.properties
        missing = [name for name in resource_type.primary_identifier if name not in model]
        if unknown or missing:
            raise ValueError(f"no model of {order['type']}: {model} has {unknown} and lacks {missing}")
    resource_type.resources[order["region"]] = order["resources"]


def list_resources(testbed: Testbed, _: Request, call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """One page of the resources that the model selects."""
    resource_type = _type(testbed, call, parameters)
    name = parameters["TypeName"]
    _check_handler(resource_type, name, "list")
    size = parameters.get("MaxResults", LARGEST_PAGE)
    if not isinstance(size, int) or not 1 <= size <= LARGEST_PAGE:
        raise CloudControlError("ValidationException", f"MaxResults {size} is not between 1 and {LARGEST_PAGE}")
    wanted = _model(parameters)
    for required in resource_type.required_to_list:
        if required not in wanted:
            raise CloudControlError(
                "InvalidRequestException",
                f"Missing or invalid ResourceModel property in {name} list handler request input."
                f"Required property: (#: required key [{required}] not found)",
            )
    models = [
        model
        for model in resource_type.in_region(call.region)
        if all(model.get(member) == value for member, value in wanted.items())
    ]
    size = min(size, testbed.page_size(call.account, "cloudcontrolapi:ListResources"))
    start = _offset(parameters, wanted)
    page = models[start : start + size]
    answer: dict[str, Any] = {
        "TypeName": name,
        "ResourceDescriptions": [_description(resource_type, model, resource_type.listed_properties) for model in page],
    }
    if start + size < len(models):
        answer["NextToken"] = _token(parameters["TypeName"], wanted, start + size)
    return answer


def get_resource(testbed: Testbed, _: Request, call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """One resource with its whole model."""
    resource_type = _type(testbed, call, parameters)
    name = parameters["TypeName"]
    _check_handler(resource_type, name, "read")
    identifier = parameters.get("Identifier")
    if not identifier:
        raise CloudControlError("ValidationException", "Identifier is required")
    for model in resource_type.in_region(call.region):
        if resource_type.identifier_of(model) == identifier:
            description = _description(resource_type, model, resource_type.properties)
            return {"TypeName": name, "ResourceDescription": description}
    message = f"Resource of type '{name}' with identifier '{identifier}' was not found."
    raise CloudControlError("ResourceNotFoundException", message)


OPERATIONS = {"ListResources": list_resources, "GetResource": get_resource}


def answer_cloud_control(testbed: Testbed, request: Request, call: Call) -> Response:
    """Answers a call in AWS's JSON protocol 1.0."""
    headers = [("Content-Type", "application/x-amz-json-1.0"), ("x-amzn-RequestId", str(uuid.uuid4()))]
    try:
        if request.header("X-Amz-Target") != f"CloudApiService.{call.operation}" or call.operation not in OPERATIONS:
            raise CloudControlError("UnknownOperationException", f"there is no operation {call.operation}")
        answer = OPERATIONS[call.operation](testbed, request, call, json.loads(request.body or b"{}"))
    except CloudControlError as error:
        body = {"__type": f"{ERROR_NAMESPACE}#{error.code}", "Message": error.message}
        return Response(400, headers, json.dumps(body).encode())
    return Response(200, headers, json.dumps(answer).encode())


def _type_of(schema: dict[str, Any]) -> ResourceType:
    identifier = schema["primaryIdentifier"]
    properties = set(schema["properties"]) | set(identifier)
    regions = schema.get("regions")
    known = {
        "primaryIdentifier",
        "properties",
        "listedProperties",
        "requiredToList",
        "handlers",
        "regions",
        "isGlobal",
    }
    if set(schema) - known:
        raise ValueError(f"no part of a schema: {set(schema) - known}")
    return ResourceType(
        primary_identifier=identifier,
        properties=properties,
        listed_properties=set(schema.get("listedProperties", properties)) | set(identifier),
        required_to_list=schema.get("requiredToList", []),
        handlers=set(schema.get("handlers", ["list", "read"])),
        regions=None if regions is None else set(regions),
        is_global=schema.get("isGlobal", False),
    )


def _type(testbed: Testbed, call: Call, parameters: dict[str, Any]) -> ResourceType:
    name = parameters.get("TypeName")
    if not name:
        raise CloudControlError("ValidationException", "TypeName is required")
    resource_type = testbed.cloud_control.get(call.account or "", {}).get(name)
    if resource_type is None or (resource_type.regions is not None and call.region not in resource_type.regions):
        raise CloudControlError("TypeNotFoundException", f"The type '{name}' cannot be found.")
    return resource_type


def _check_handler(resource_type: ResourceType, name: str, handler: str) -> None:
    if handler not in resource_type.handlers:
        message = f"Resource type {name} does not support {handler.upper()} action"
        raise CloudControlError("UnsupportedActionException", message)


def _model(parameters: dict[str, Any]) -> Model:
    try:
        model = json.loads(parameters.get("ResourceModel", "{}"))
    except ValueError:
        model = None
    if not isinstance(model, dict):
        raise CloudControlError("InvalidRequestException", "ResourceModel is no JSON object")
    return model


def _description(resource_type: ResourceType, model: Model, names: set[str]) -> dict[str, str]:
    given = {name: value for name, value in model.items() if name in names}
    return {"Identifier": resource_type.identifier_of(model), "Properties": json.dumps(given)}


def _token(name: str, wanted: Model, start: int) -> str:
    """A token is good for the listing that gave it, and for no other."""
    return base64.b64encode(json.dumps([name, wanted, start]).encode()).decode()


def _offset(parameters: dict[str, Any], wanted: Model) -> int:
    token = parameters.get("NextToken")
    if token is None:
        return 0
    try:
        name, model, start = json.loads(base64.b64decode(token, validate=True))
    except ValueError:
        name, model, start = None, None, 0
    if name != parameters["TypeName"] or model != wanted:
        raise CloudControlError("InvalidRequestException", "Invalid NextToken")
    return start
