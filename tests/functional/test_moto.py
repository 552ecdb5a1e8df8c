"""The adapters on moto's server: an AWS that neither we nor the embedded AWS's makers wrote."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from attrs import evolve
from moto.server import ThreadedMotoServer

from toolkit.adapters.aws import account
from toolkit.adapters.aws.cloudformation import CloudFormation
from toolkit.adapters.aws.ecr import Ecr
from toolkit.adapters.aws.network import network, zones
from toolkit.adapters.aws.roles import has_ecs_role, make_ecs_role
from toolkit.adapters.aws.s3 import Bucket
from toolkit.adapters.aws.scheduler import Scheduler
from toolkit.adapters.aws.session import Aws, Endpoint
from toolkit.adapters.aws.sqs import DeadLetterQueue
from toolkit.core.errors import StackError, ToolkitError
from toolkit.core.schedules.schedule import Schedule
from toolkit.core.stack import StackPlan

REGION = "eu-central-1"
PARAMETERS = {
    "AppName": "app",
    "ScheduleName": "weather",
    "ScheduleExpression": "cron(0 6 * * ? *)",
    "ScheduleExpressionTimezone": "Europe/Berlin",
    "State": "ENABLED",
    "StartDate": "",
    "EndDate": "",
    "Description": "",
    "Input": "{}",
    "ScheduleGroupName": "app",
    "ClusterArn": f"arn:aws:ecs:{REGION}:123456789012:cluster/app",
    "SchedulerRoleArn": "arn:aws:iam::123456789012:role/app-scheduler",
    "DeadLetterQueueArn": f"arn:aws:sqs:{REGION}:123456789012:letters",
    "TaskDefinitionArn": f"arn:aws:ecs:{REGION}:123456789012:task-definition/app-weather:1",
    "SubnetIds": "subnet-0123456789abcdef0",
    "SecurityGroupId": "sg-0123456789abcdef0",
    "AssignPublicIp": "ENABLED",
}
TEMPLATE = """
Parameters: {Name: {Type: String}}
Resources: {Queue: {Type: "AWS::SQS::Queue", Properties: {QueueName: !Ref Name}}}
"""


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield Aws(Endpoint(REGION, f"http://{host}:{port}", "test", "test"))
    server.stop()


def test_a_schedule_is_checked_restored_and_read_back(aws: Aws) -> None:
    aws.client("scheduler").create_schedule_group(Name="app")
    scheduler = Scheduler(aws, "app")
    wanted = Schedule.from_parameters(PARAMETERS)
    scheduler.check(wanted)
    assert scheduler.listed() == []
    scheduler.restore(wanted)
    later = evolve(wanted, state="DISABLED")
    scheduler.restore(later)
    live = scheduler.find("weather")
    assert live is not None
    assert (live.state, live.expression, live.timezone) == (
        "DISABLED",
        "cron(0 6 * * ? *)",
        "Europe/Berlin",
    )
    assert [row.name for row in scheduler.listed()] == ["weather"]
    scheduler.delete("weather")
    assert scheduler.find("weather") is None


def test_a_start_that_has_passed_is_refused_in_awss_words(aws: Aws) -> None:
    """moto quotes AWS: https://github.com/getmoto/moto/pull/8172"""
    start = datetime.now(UTC) - timedelta(hours=1)
    late = evolve(Schedule.from_parameters(PARAMETERS), start=f"{start:%Y-%m-%dT%H:%M:%SZ}")
    with pytest.raises(ToolkitError, match="cannot be earlier than 5 minutes ago"):
        Scheduler(aws, "app").check(late)


def test_letters_are_read_given_back_and_removed(aws: Aws) -> None:
    client = aws.client("sqs")
    url = client.create_queue(QueueName="letters")["QueueUrl"]
    names = {"ERROR_CODE": "Denied", "SCHEDULE_ARN": "arn:aws:scheduler:::schedule/app/weather"}
    attributes = {
        name: {"DataType": "String", "StringValue": value} for name, value in names.items()
    }
    for number in range(12):
        client.send_message(QueueUrl=url, MessageBody=str(number), MessageAttributes=attributes)
    client.send_message(QueueUrl=url, MessageBody="of somebody else")
    queue = DeadLetterQueue(aws, url)
    letters = queue.letters()
    assert len(letters) == len(queue.letters()) == 12
    assert queue.remove({letter.message_id for letter in letters}) == 12
    assert queue.letters() == []
    assert account.queue(aws, url).letters == 1


def test_a_stack_is_planned_executed_found_unchanged_and_deleted(aws: Aws) -> None:
    formation = CloudFormation(aws, sleep=lambda _: None, poll=0)
    said: list[str] = []
    plan = StackPlan("app-queue", TEMPLATE, {"Name": "one"}, {"app": "app"})
    change_set = formation.prepare(plan, say=said.append)
    assert [change.logical_id for change in change_set.changes] == ["Queue"]
    stack = formation.execute(change_set, lambda *_: None)
    assert (stack.name, stack.parameters) == ("app-queue", {"Name": "one"})
    assert aws.client("sqs").get_queue_url(QueueName="one")["QueueUrl"].endswith("/one")
    assert [found.name for found in formation.owned("app")] == ["app-queue"]
    assert formation.owned("another") == []
    with pytest.raises(StackError, match="not this app's"):
        formation.prepare(evolve(plan, tags={"app": "another"}), say=said.append)
    formation.delete("app-queue", lambda *_: None)
    assert formation.find("app-queue") is None


def test_where_drift_cannot_be_reverted_nothing_is_lost(aws: Aws) -> None:
    formation = CloudFormation(aws, sleep=lambda _: None, poll=0)
    plan = StackPlan("app-drift", TEMPLATE, {"Name": "two"}, {"app": "app"})
    stack = formation.execute(formation.prepare(plan, say=print), lambda *_: None)
    formation.revert_drift(stack, deleted=False, watch=lambda *_: None)
    after = formation.find("app-drift")
    assert after is not None
    assert (after.parameters, after.tags) == (stack.parameters, stack.tags)
    formation.delete("app-drift", lambda *_: None)


def test_the_role_of_ecs_is_made_once(aws: Aws) -> None:
    assert not has_ecs_role(aws)
    make_ecs_role(aws)
    make_ecs_role(aws)  # that it is there already is no error


def test_the_network_and_its_zones_are_read(aws: Aws) -> None:
    ec2 = aws.client("ec2")
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    here = [{"Name": "vpc-id", "Values": [vpc]}]
    subnets = [row["SubnetId"] for row in ec2.describe_subnets(Filters=here)["Subnets"]]
    group = ec2.describe_security_groups(Filters=here)["SecurityGroups"][0]["GroupId"]
    found = network(aws, subnets[:2], group, public_address=True)
    assert [subnet.id for subnet in found.subnets] == subnets[:2]
    assert found.https_allowed
    first = zones(aws, ("", ""), ())
    assert [zone.name for zone in first] == [f"{REGION}a", f"{REGION}b"]
    assert all(zone.id.startswith("euc1-az") for zone in first)


def test_objects_and_images_are_read(aws: Aws) -> None:
    where = {"LocationConstraint": REGION}
    aws.client("s3").create_bucket(Bucket="bucket", CreateBucketConfiguration=where)
    bucket = Bucket(aws, "bucket")
    bucket.write("runs/weather/x.json", b"{}", "application/json")
    assert bucket.read("runs/weather/x.json") == b"{}"
    assert bucket.read("runs/weather/y.json") is None
    assert list(bucket.keys("runs/")) == ["runs/weather/x.json"]
    aws.client("ecr").create_repository(repositoryName="app")
    assert not Ecr(aws).holds("app", "sha256:" + "0" * 64)
