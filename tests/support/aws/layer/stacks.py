"""CloudFormation: what moto's is silent about is refused, and what it lacks is supplied (`resources.py`)."""

from typing import Any

from moto.cloudformation import models, parsing
from moto.cloudformation.exceptions import ValidationError
from moto.s3.models import FakeBucket
from moto.utilities.utils import get_partition

from . import resources
from .conditions import check_parameters, check_rules, holds

NO_VALUE = "AWS::NoValue"
DOMAINS = {"aws": "amazonaws.com", "aws-cn": "amazonaws.com.cn", "aws-us-gov": "amazonaws.com"}

_clean_json = parsing.clean_json
_class_of_type = parsing.resource_class_from_type
_load = parsing.ResourceMap.load


def extend_moto() -> None:
    """Puts everything of this module into moto. Once, before the first stack."""
    parsing.clean_json = _resolve
    models_by_type = parsing.get_model_map()
    models_by_type.update(resources.SUPPLIED)
    parsing.resource_class_from_type = _known_class_of_type
    parsing.parse_condition = holds
    parsing.ResourceMap.load = _load_checked
    FakeBucket.get_permission = resources.permission_by_policy


def describe(order: dict[str, Any]) -> dict[str, Any]:
    """The resources of a stack with everything resolved: `{account, region, name}`."""
    stack = models.cloudformation_backends[order["account"]][order["region"]].get_stack(order["name"])
    described = {}
    for logical_id, definition in stack.template_dict["Resources"].items():
        condition = definition.get("Condition")
        if condition and not stack.resource_map.lazy_condition_map[condition]:
            continue
        resource = stack.resource_map[logical_id]
        described[logical_id] = _resolve(definition, stack.resource_map) | {"PhysicalId": resource.physical_resource_id}
    return {"status": stack.status, "resources": described, "outputs": _outputs(stack)}


def _outputs(stack: models.Stack) -> dict[str, str]:
    return {output["OutputKey"]: output["OutputValue"] for output in stack.outputs or []}


def _resolve(value: Any, known: Any) -> Any:
    """Leaves nothing out but what is meant to be: a list without gaps, and no reference to what is not there."""
    resolved = _clean_json(value, known)
    if isinstance(resolved, list):
        return [entry for entry in resolved if entry is not None]
    if not isinstance(value, dict):
        return resolved
    is_missing = resolved is None and value.get("Ref", NO_VALUE) != NO_VALUE
    if is_missing or (isinstance(resolved, dict) and "Fn::GetAtt" in resolved):
        raise ValidationError(message=f"Template format error: Unresolved resource dependencies {value}")
    return resolved


def _known_class_of_type(resource_type: str) -> Any:
    known = _class_of_type(resource_type)
    if known is None:
        raise ValidationError(message=f"neither moto nor the layer knows {resource_type}")
    return known


def _load_checked(self: parsing.ResourceMap) -> None:
    partition = get_partition(self._region_name)
    self._parsed_resources |= {"AWS::Partition": partition, "AWS::URLSuffix": DOMAINS[partition]}
    definitions = self._template.get("Parameters", {})
    defaults = {name: str(slot["Default"]) for name, slot in definitions.items() if "Default" in slot}
    # moto would leave the default of a list a text.
    self.input_parameters = defaults | self.input_parameters
    check_parameters(definitions, self.input_parameters)
    _load(self)
    check_rules(self._template, self._parsed_resources)
