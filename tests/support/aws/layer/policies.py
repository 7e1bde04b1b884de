"""Evaluates the trust policy of a role. What it cannot evaluate it names, instead of guessing either way."""

import json
import re
from dataclasses import dataclass
from typing import Any

KNOWN_ELEMENTS = {"Sid", "Effect", "Principal", "Action", "Condition"}
KNOWN_PRINCIPALS = {"AWS", "Federated", "Service"}
ARN_PARTS = 6


class NotEvaluatedError(Exception):
    """A policy says something that is not evaluated here, so nothing may be granted or refused by it."""


@dataclass
class TrustRequest:
    """Who asks for a role, and how."""

    action: str
    principals: dict[str, set[str]]
    """All forms of the caller's name, by the type of principal that they may stand under."""
    context: dict[str, str | None]
    """Every condition key that such a request can have. None where this one does not have it."""


def allows(document: str | dict[str, Any], request: TrustRequest) -> bool:
    """Whether a trust policy lets the caller have the role. A Deny wins.

    Raises NotEvaluatedError for elements, operators and keys that are not known here.
    """
    policy = json.loads(document) if isinstance(document, str) else document
    allowed = False
    for statement in as_list(policy.get("Statement")):
        unknown = set(statement) - KNOWN_ELEMENTS
        if unknown:
            raise NotEvaluatedError(f"the element {', '.join(sorted(unknown))}")
        if not _applies(statement, request):
            continue
        if statement.get("Effect") == "Deny":
            return False
        allowed = True
    return allowed


def as_list(value: Any) -> list[Any]:
    """The values of an element, of which one may stand without a list."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _applies(statement: dict[str, Any], request: TrustRequest) -> bool:
    actions = as_list(statement.get("Action"))
    if not any(_is_like(request.action.lower(), pattern.lower()) for pattern in actions):
        return False
    if not _names_principal(statement.get("Principal"), request.principals):
        return False
    # Each of them, even after one that does not hold: an unknown one must not hide behind it.
    conditions = [
        _condition_holds(operator, key, as_list(wanted), request.context)
        for operator, keys in statement.get("Condition", {}).items()
        for key, wanted in keys.items()
    ]
    return all(conditions)


def _names_principal(principal: Any, principals: dict[str, set[str]]) -> bool:
    if principal == "*":
        return True
    if not isinstance(principal, dict) or set(principal) - KNOWN_PRINCIPALS:
        raise NotEvaluatedError(f"the principal {json.dumps(principal)}")
    return any(
        name in principals.get(kind, set()) or (name == "*" and kind == "AWS" and "AWS" in principals)
        for kind, names in principal.items()
        for name in as_list(names)
    )


def _condition_holds(operator: str, key: str, wanted: list[Any], context: dict[str, str | None]) -> bool:
    known = {name.lower(): value for name, value in context.items()}
    if key.lower() not in known:
        raise NotEvaluatedError(f"the condition key {key}")
    actual = known[key.lower()]
    texts = [str(value) for value in wanted]
    variables = [text for text in texts if "${" in text]
    if variables:
        raise NotEvaluatedError(f"the policy variable in {variables[0]}")
    if operator == "Null":
        return (actual is None) == (texts[0].lower() == "true")
    name = operator.removesuffix("IfExists")
    is_negated = name.startswith(("StringNot", "ArnNot"))
    matches = MATCHES.get(name.replace("Not", "", 1) if is_negated else name)
    if matches is None:
        raise NotEvaluatedError(f"the condition operator {operator}")
    if actual is None:
        return is_negated or operator.endswith("IfExists")
    return any(matches(actual, text) for text in texts) != is_negated


def _is_like(actual: str, pattern: str) -> bool:
    wildcards = {"*": ".*", "?": "."}
    expression = "".join(wildcards.get(character) or re.escape(character) for character in pattern)
    return re.fullmatch(expression, actual, re.DOTALL) is not None


def _is_arn_like(actual: str, pattern: str) -> bool:
    """Part by part: a wildcard does not reach over a colon, except in the last part."""
    actual_parts = actual.split(":", ARN_PARTS - 1)
    pattern_parts = pattern.split(":", ARN_PARTS - 1)
    if len(actual_parts) != ARN_PARTS or len(pattern_parts) != ARN_PARTS:
        return False
    return all(_is_like(part, wanted) for part, wanted in zip(actual_parts, pattern_parts, strict=True))


MATCHES = {
    "StringEquals": lambda actual, wanted: actual == wanted,
    "StringEqualsIgnoreCase": lambda actual, wanted: actual.lower() == wanted.lower(),
    "StringLike": _is_like,
    # IAM has these two as one.
    "ArnEquals": _is_arn_like,
    "ArnLike": _is_arn_like,
}
