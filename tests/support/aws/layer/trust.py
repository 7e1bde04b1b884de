"""Roles and users as principals of trust policies: IAM binds a policy that is saved to those that exist then.

A role that is deleted and created anew under its old name is another role, and a policy that names the first does not
trust it. moto keeps the text alone.
"""

import json
import re
from typing import Any

from moto.iam.exceptions import MalformedPolicyDocument
from moto.iam.models import IAMBackend, iam_backends

from .policies import as_list

PRINCIPAL = re.compile(r"arn:(aws|aws-us-gov|aws-cn):iam::(\d{12}):(role|user)/.+")


def bind_principals() -> None:
    """Lets moto note, with every trust policy, which role or user each principal is. There must be one."""
    create_role = IAMBackend.create_role
    update_assume_role_policy = IAMBackend.update_assume_role_policy

    def create_and_bind(backend: IAMBackend, *args: Any, **kwargs: Any) -> Any:
        document = kwargs.get("assume_role_policy_document", args[1] if len(args) > 1 else None)
        bound = _ids_of_principals(document)
        role = create_role(backend, *args, **kwargs)
        role.bound_principals = bound
        return role

    def update_and_bind(backend: IAMBackend, role_name: str, policy_document: str) -> None:
        bound = _ids_of_principals(policy_document)
        update_assume_role_policy(backend, role_name, policy_document)
        backend.get_role(role_name).bound_principals = bound

    IAMBackend.create_role = create_and_bind
    IAMBackend.update_assume_role_policy = update_and_bind


def is_bound_to(trusting_role: Any, principal_arn: str) -> bool:
    """Whether the role or user of this ARN is the one that a trust policy meant when it was saved."""
    return trusting_role.bound_principals.get(principal_arn) == _id_of(principal_arn)


def _ids_of_principals(document: Any) -> dict[str, str]:
    policy = json.loads(document) if isinstance(document, str) else document
    if not isinstance(policy, dict):
        return {}
    bound = {}
    for statement in as_list(policy.get("Statement")):
        principal = statement.get("Principal")
        names = as_list(principal.get("AWS")) if isinstance(principal, dict) else []
        for name in names:
            if not PRINCIPAL.fullmatch(name):
                continue
            identifier = _id_of(name)
            if identifier is None:
                raise MalformedPolicyDocument(f'Invalid principal in policy: "AWS":"{name}"')
            bound[name] = identifier
    return bound


def _id_of(arn: str) -> str | None:
    match = PRINCIPAL.fullmatch(arn)
    if match is None or match[2] not in iam_backends:
        return None
    backend = iam_backends[match[2]][match[1]]
    candidates = backend.roles.values() if match[3] == "role" else backend.users.values()
    return next((candidate.id for candidate in list(candidates) if candidate.arn == arn), None)
