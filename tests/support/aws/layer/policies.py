"""Evaluates the trust policy of a role."""

import json
from fnmatch import fnmatchcase
from typing import Any


def allows(document: str | dict[str, Any], action: str, principals: set[str], context: dict[str, str]) -> bool:
    """Whether a trust policy lets any form of the caller's name do this. A Deny wins."""
    policy = json.loads(document) if isinstance(document, str) else document
    allowed = False
    for statement in _as_list(policy.get("Statement")):
        if not _applies(statement, action, principals, context):
            continue
        if statement.get("Effect") == "Deny":
            return False
        allowed = True
    return allowed


def _applies(statement: dict[str, Any], action: str, principals: set[str], context: dict[str, str]) -> bool:
    if not any(fnmatchcase(action, pattern) for pattern in _as_list(statement.get("Action"))):
        return False
    if not _names_principal(statement.get("Principal"), principals):
        return False
    return all(
        _condition_holds(operator, key, _as_list(wanted), context)
        for operator, keys in statement.get("Condition", {}).items()
        for key, wanted in keys.items()
    )


def _names_principal(principal: Any, principals: set[str]) -> bool:
    if principal == "*":
        return True
    if not isinstance(principal, dict):
        return False
    named = _as_list(principal.get("AWS")) + _as_list(principal.get("Federated"))
    return "*" in named or any(name in principals for name in named)


def _condition_holds(operator: str, key: str, wanted: list[str], context: dict[str, str]) -> bool:
    if_exists = operator.endswith("IfExists")
    operator = operator.removesuffix("IfExists")
    actual = {name.lower(): value for name, value in context.items()}.get(key.lower())
    if operator == "Null":
        return (actual is None) == (str(wanted[0]).lower() == "true")
    if actual is None:
        return if_exists or operator.startswith(("StringNot", "ArnNot"))
    if operator in ("StringEquals", "ArnEquals"):
        return actual in wanted
    if operator in ("StringLike", "ArnLike"):
        return any(fnmatchcase(actual, pattern) for pattern in wanted)
    if operator in ("StringNotEquals", "ArnNotEquals"):
        return actual not in wanted
    if operator in ("StringNotLike", "ArnNotLike"):
        return not any(fnmatchcase(actual, pattern) for pattern in wanted)
    raise NotImplementedError(f"condition operator {operator}")


def _as_list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
