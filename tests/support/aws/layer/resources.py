"""Resources of CloudFormation stacks that moto has the service for, but not the resource."""

import json
from collections.abc import Callable
from typing import Any

from moto.awslambda.models import EventSourceMapping
from moto.awslambda.utils import get_backend as lambda_backend
from moto.cloudformation.exceptions import UnformattedGetAttTemplateException
from moto.cloudformation.models import Stack, cloudformation_backends
from moto.cloudformation.utils import get_stack_from_s3_url
from moto.core.common_models import CloudFormationModel
from moto.iam.access_control import PermissionResult
from moto.iam.models import AWSManagedPolicy, Role, iam_backends
from moto.organizations.models import OrganizationsBackend, organizations_backends
from moto.s3.models import FakeBucket, s3_backends
from moto.scheduler.models import scheduler_backends
from moto.secretsmanager.models import secretsmanager_backends
from moto.sqs.models import sqs_backends
from moto.utilities.utils import get_partition

Properties = dict[str, Any]


class Supplied(CloudFormationModel):
    """A resource that a function of this module creates."""

    create: Callable[[str, Properties, str, str], "Supplied"]

    def __init__(self, physical_id: str, attributes: dict[str, str] | None = None) -> None:
        self.physical_resource_id = physical_id
        self.attributes = attributes or {}

    @staticmethod
    def cloudformation_name_type() -> str:
        """None: the functions look for the name themselves."""
        return ""

    @staticmethod
    def cloudformation_type() -> str:
        """None: the table below has the types."""
        return ""

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        """Not known before the resource is there."""
        return True

    def get_cfn_attribute(self, attribute_name: str) -> str:
        """What Fn::GetAtt gives."""
        if attribute_name not in self.attributes:
            raise UnformattedGetAttTemplateException()
        return self.attributes[attribute_name]

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Properties, account_id: str, region_name: str, **_: Any
    ) -> "Supplied":
        """Creates the resource."""
        return cls.create(resource_name, cloudformation_json["Properties"], account_id, region_name)


class RoleWithPolicies(Role):
    """A role with its managed policies, which moto leaves out. Those of AWS are attached by name only."""

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Properties, account_id: str, region_name: str, **_: Any
    ) -> Role:
        """Creates the role."""
        for policy in cloudformation_json["Properties"].get("Policies", []):
            # moto keeps the document as it gets it, and gives back what is no JSON.
            policy["PolicyDocument"] = json.dumps(policy["PolicyDocument"])
        role = Role.create_from_cloudformation_json(resource_name, cloudformation_json, account_id, region_name)
        backend = iam_backends[account_id][get_partition(region_name)]
        for arn in cloudformation_json["Properties"].get("ManagedPolicyArns", []):
            if ":iam::aws:" not in arn:
                backend.attach_role_policy(arn, role.name)
                continue
            data = {"CreateDate": "2015-02-06T18:39:48+00:00", "UpdateDate": "2015-02-06T18:39:48+00:00", "Path": "/"}
            policy = AWSManagedPolicy.from_data(arn.rsplit("/", 1)[-1], account_id, region_name, data)
            policy.attach_to(role)
        return role


class QuietMapping(EventSourceMapping):
    """A mapping from which nothing follows: moto would start a container for each message. The tests have a pump."""

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Properties, account_id: str, region_name: str, **_: Any
    ) -> EventSourceMapping:
        """Creates the mapping."""
        properties = cloudformation_json["Properties"]
        mapping = lambda_backend(account_id, region_name).create_event_source_mapping(properties)
        queue = properties["EventSourceArn"].rsplit(":", 1)[-1]
        sqs_backends[account_id][region_name].get_queue(queue).lambda_event_source_mappings.clear()
        return mapping


class VersionedBucket(FakeBucket):
    """A bucket whose versioning is as the template says. All other settings stay text."""

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Properties, account_id: str, region_name: str, **_: Any
    ) -> FakeBucket:
        """Creates the bucket."""
        bucket = FakeBucket.create_from_cloudformation_json(resource_name, cloudformation_json, account_id, region_name)
        status = cloudformation_json["Properties"].get("VersioningConfiguration", {}).get("Status")
        if status:
            s3_backends[account_id][get_partition(region_name)].put_bucket_versioning(bucket.name, status)
        return bucket


def permission_by_policy(self: FakeBucket, action: str, resource: str) -> PermissionResult:
    """None: moto takes a denial for one, whatever its condition says."""
    return PermissionResult.NEUTRAL


class NestedStack(Stack):
    """A nested stack whose outputs can be referred to."""

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Properties, account_id: str, region_name: str, **_: Any
    ) -> Supplied:
        """Creates the stack."""
        stack = Stack.create_from_cloudformation_json(resource_name, cloudformation_json, account_id, region_name)
        return Supplied(stack.stack_id, {f"Outputs.{each['OutputKey']}": each["OutputValue"] for each in stack.outputs})


def _secret(name: str, properties: Properties, account: str, region: str) -> Supplied:
    created = secretsmanager_backends[account][region].create_secret(
        name=properties.get("Name", name),
        secret_string=properties["SecretString"],
        secret_binary=None,
        description=properties.get("Description"),
        tags=properties.get("Tags", []),
        kms_key_id=properties.get("KmsKeyId"),
        client_request_token=None,
        replica_regions=[],
        force_overwrite=False,
    )
    arn = json.loads(created)["ARN"]
    return Supplied(arn, {"Id": arn})


def _queue_policy(name: str, properties: Properties, account: str, region: str) -> Supplied:
    for queue in properties["Queues"]:
        policy = {"Policy": json.dumps(properties["PolicyDocument"])}
        sqs_backends[account][region].set_queue_attributes(queue.rsplit("/", 1)[-1], policy)
    return Supplied(name)


def _bucket_policy(name: str, properties: Properties, account: str, region: str) -> Supplied:
    policy = json.dumps(properties["PolicyDocument"]).encode()
    s3_backends[account][get_partition(region)].put_bucket_policy(properties["Bucket"], policy)
    return Supplied(properties["Bucket"])


def _event_invoke_config(name: str, properties: Properties, account: str, region: str) -> Supplied:
    kept = {key: value for key, value in properties.items() if key not in ("FunctionName", "Qualifier")}
    lambda_backend(account, region).put_function_event_invoke_config(properties["FunctionName"], kept)
    return Supplied(name)


def _schedule_group(name: str, properties: Properties, account: str, region: str) -> Supplied:
    group = scheduler_backends[account][region].create_schedule_group(properties.get("Name", name), [])
    return Supplied(group.name, {"Arn": group.arn})


def _schedule(name: str, properties: Properties, account: str, region: str) -> Supplied:
    schedule = scheduler_backends[account][region].create_schedule(
        description=properties.get("Description", ""),
        end_date=properties.get("EndDate"),
        flexible_time_window=properties["FlexibleTimeWindow"],
        group_name=properties.get("GroupName", ""),
        kms_key_arn=properties.get("KmsKeyArn"),
        name=properties.get("Name", name),
        schedule_expression=properties["ScheduleExpression"],
        schedule_expression_timezone=properties.get("ScheduleExpressionTimezone", ""),
        start_date=properties.get("StartDate"),
        state=properties.get("State", "ENABLED"),
        target=properties["Target"],
        action_after_completion=None,
    )
    return Supplied(schedule.name, {"Arn": schedule.arn})


def _oidc_provider(name: str, properties: Properties, account: str, region: str) -> Supplied:
    provider = iam_backends[account][get_partition(region)].create_open_id_connect_provider(
        url=properties["Url"],
        thumbprint_list=properties.get("ThumbprintList", []),
        client_id_list=properties.get("ClientIdList", []),
        tags=[],
    )
    return Supplied(provider.arn, {"Arn": provider.arn})


def _alarm(name: str, properties: Properties, account: str, region: str) -> Supplied:
    """Kept as text: nothing watches it."""
    alarm = properties.get("AlarmName", name)
    return Supplied(alarm, {"Arn": f"arn:{get_partition(region)}:cloudwatch:{region}:{account}:alarm:{alarm}"})


def _stack_set(name: str, properties: Properties, account: str, region: str) -> Supplied:
    """A service-managed StackSet with its first instances. Accounts that come later get nothing by themselves."""
    parameters = {each["ParameterKey"]: each["ParameterValue"] for each in properties.get("Parameters", [])}
    template = get_stack_from_s3_url(properties["TemplateURL"], account, get_partition(region))
    stack_set = cloudformation_backends[account][region].create_stack_set(
        name=properties.get("StackSetName", name),
        template=template,
        parameters=parameters,
        tags={},
        permission_model=properties["PermissionModel"],
        admin_role=None,
        exec_role=None,
        description=properties.get("Description"),
    )
    for group in properties.get("StackInstancesGroup", []):
        accounts = _accounts_of(group["DeploymentTargets"], account)
        stack_set.instances.create_instances(accounts, group["Regions"], parameters, {}, properties["PermissionModel"])
    return Supplied(stack_set.id, {"StackSetId": stack_set.id})


def _accounts_of(targets: Properties, caller: str) -> list[str]:
    """The accounts below the units, as the filter says. The management account is never one of them."""
    management = organizations_backends.master_accounts.get(caller, (caller, "aws"))[0]
    backend = organizations_backends[management]["aws"]
    units = {unit for root in targets["OrganizationalUnitIds"] for unit in _units_below(backend, root)}
    accounts = [account.id for account in backend.accounts if account.parent_id in units and account.id != management]
    named = targets.get("Accounts", [])
    kind = targets.get("AccountFilterType", "NONE")
    if kind == "INTERSECTION":
        return [account for account in accounts if account in named]
    if kind == "DIFFERENCE":
        return [account for account in accounts if account not in named]
    return accounts + [account for account in named if kind == "UNION" and account not in accounts]


def _units_below(backend: OrganizationsBackend, unit: str) -> list[str]:
    below = [child.id for child in backend.ou if child.parent_id == unit]
    return [unit] + [deeper for child in below for deeper in _units_below(backend, child)]


def _supplied_by(create: Callable[[str, Properties, str, str], Supplied]) -> type[Supplied]:
    return type("Supplied", (Supplied,), {"create": staticmethod(create)})


SUPPLIED: dict[str, type[CloudFormationModel]] = {
    "AWS::CloudFormation::Stack": NestedStack,
    "AWS::CloudFormation::StackSet": _supplied_by(_stack_set),
    "AWS::CloudWatch::Alarm": _supplied_by(_alarm),
    "AWS::IAM::OIDCProvider": _supplied_by(_oidc_provider),
    "AWS::IAM::Role": RoleWithPolicies,
    "AWS::Lambda::EventSourceMapping": QuietMapping,
    "AWS::Lambda::EventInvokeConfig": _supplied_by(_event_invoke_config),
    "AWS::S3::Bucket": VersionedBucket,
    "AWS::S3::BucketPolicy": _supplied_by(_bucket_policy),
    "AWS::SQS::QueuePolicy": _supplied_by(_queue_policy),
    "AWS::Scheduler::Schedule": _supplied_by(_schedule),
    "AWS::Scheduler::ScheduleGroup": _supplied_by(_schedule_group),
    "AWS::SecretsManager::Secret": _supplied_by(_secret),
}
