"""Prints a template as CloudFormation gets it, as JSON: SAM's transform is applied, and short forms are written out.

    expand.py <template> <region> <bucket> <parameters as JSON>

The transform is the one that AWS itself publishes, with the values that a deployment would give to the parameters.
Local folders of code become `code.zip` in the bucket, as `sam package` would name it; nothing is uploaded, and no AWS
is called.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

import boto3
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse


def main() -> None:
    """Expands the template that the arguments name."""
    path, region, bucket, parameters = sys.argv[1:]
    for variable in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[variable]
    template = yaml_parse(Path(path).read_text())
    if "Transform" in template:
        template = _transform(template, region, bucket, json.loads(parameters))
    print(json.dumps(template))


def _transform(template: dict[str, Any], region: str, bucket: str, parameters: dict[str, str]) -> dict[str, Any]:
    function_defaults = template.get("Globals", {}).get("Function", {})
    functions = [
        resource["Properties"]
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::Serverless::Function"
    ]
    for properties in [function_defaults, *functions]:
        if "CodeUri" in properties:
            properties["CodeUri"] = f"s3://{bucket}/code.zip"
    translator = Translator(_NoManagedPolicies(), Parser(), boto_session=boto3.Session(region_name=region))
    return translator.translate(template, parameters)


class _NoManagedPolicies(dict):
    """The template names its policies itself: asking AWS for the managed ones would be a surprise."""

    def __contains__(self, name: object) -> bool:
        raise LookupError(f"the template uses the managed policy {name} by its name")


if __name__ == "__main__":
    main()
