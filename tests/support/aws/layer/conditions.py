"""Conditions, rules and parameters of a CloudFormation template, checked as CloudFormation does; moto's are laxer."""

import re
from typing import Any

from moto.cloudformation import parsing
from moto.cloudformation.exceptions import ValidationError


def holds(condition: Any, resources: Any, conditions: dict[str, Any]) -> bool:
    """Whether a condition, or an assertion of a rule, is true. Numbers and texts are compared as texts."""
    if isinstance(condition, bool):
        return condition
    ((operator, values),) = condition.items()
    if operator == "Condition":
        return conditions[values]
    if operator in ("Fn::And", "Fn::Or", "Fn::Not"):
        results = [holds(value, resources, conditions) for value in values]
        return {"Fn::And": all, "Fn::Or": any, "Fn::Not": lambda one: not one[0]}[operator](results)
    first, second = (parsing.clean_json(value, resources) for value in values)
    if operator == "Fn::Equals":
        return str(first) == str(second)
    if operator == "Fn::Contains":
        return str(second) in [str(entry) for entry in first]
    if operator == "Fn::EachMemberIn":
        return all(entry in second for entry in first)
    raise ValidationError(f"Template format error: condition operator {operator}")


def check_parameters(definitions: dict[str, Any], given: dict[str, Any]) -> None:
    """Refuses values that a parameter's own limits refuse, and parameters that there are not."""
    unknown = set(given) - set(definitions)
    if unknown:
        raise ValidationError(message=f"Parameters: {sorted(unknown)} do not exist in the template")
    for name, definition in definitions.items():
        if name not in given:
            raise ValidationError(message=f"Parameters: [{name}] must have values")
        is_list = definition["Type"] == "CommaDelimitedList"
        for value in str(given[name]).split(",") if is_list else [str(given[name])]:
            if not _is_allowed(definition, value):
                raise ValidationError(message=f"Parameter {name} failed to satisfy constraint: {value}")


def check_rules(template: dict[str, Any], resources: Any) -> None:
    """Refuses what a rule of the template refuses."""
    for name, rule in template.get("Rules", {}).items():
        if not holds(rule.get("RuleCondition", True), resources, {}):
            continue
        for assertion in rule["Assertions"]:
            if not holds(assertion["Assert"], resources, {}):
                raise ValidationError(message=f"Rule {name}: {assertion.get('AssertDescription')}")


def _is_allowed(definition: dict[str, Any], value: str) -> bool:
    if "AllowedValues" in definition and value not in [str(entry) for entry in definition["AllowedValues"]]:
        return False
    if "AllowedPattern" in definition and not re.fullmatch(definition["AllowedPattern"], value):
        return False
    if len(value) > int(definition.get("MaxLength", len(value))) or len(value) < int(definition.get("MinLength", 0)):
        return False
    if definition["Type"] != "Number":
        return True
    number = float(value)
    return float(definition.get("MinValue", number)) <= number <= float(definition.get("MaxValue", number))
