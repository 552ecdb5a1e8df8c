"""A workload with secrets and a policy, deployed and run: it has them, and nothing tells them."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import Project, make_project

PLANTED = "correct-horse-battery-staple"
SCRIPT = """\
#!/bin/sh
echo "user=$DB_USER password=$DB_PASSWORD token=$TOKEN"
echo "$TOKEN" >&2
printf 'a\\n1\\n' > "$ARTIFACTS/sales.csv"
test "$DB_USER" = shop && test -n "$TOKEN"
"""
TABLE = """
[workloads.sales]
summary = "Tells its secrets"
command = ["bin/sales"]
cpu = 256
memory = 512
max_runtime_seconds = 60
policies = ["policies/sales.json"]

[workloads.sales.artifacts]
"sales.csv" = { media_type = "text/csv", min_rows = 1 }

[workloads.sales.secrets]
DB_USER = "secretsmanager:prod/db:user"
DB_PASSWORD = "secretsmanager:prod/db:password"
TOKEN = "ssm:/prod/token"
"""
POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Sid": "Read", "Effect": "Allow", "Action": "sqs:*", "Resource": "*"}],
}


@pytest.fixture(scope="module")
def sales(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    made = make_project(tmp_path_factory.mktemp("sales"))
    with (made.root / "workloads" / "catalog.toml").open("a") as catalog:
        catalog.write(TABLE)
    program = made.root / "workloads" / "bin" / "sales"
    program.parent.mkdir()
    program.write_text(SCRIPT)
    program.chmod(0o755)
    (made.root / "policies").mkdir()
    (made.root / "policies" / "sales.json").write_text(json.dumps(POLICY))
    (made.root / "schedules" / "sales.toml").write_text(
        'workload = "sales"\nexpression = "cron(0 7 * * ? *)"\n'
    )
    made.toolkit("local", "start")
    made.aws("secretsmanager").create_secret(
        Name="prod/db", SecretString=json.dumps({"user": "shop", "password": PLANTED})
    )
    made.aws("ssm").put_parameter(Name="/prod/token", Value=PLANTED, Type="SecureString")
    yield made
    made.toolkit("local", "stop")


def test_the_doctor_looks_at_each_secret_and_prints_none(sales: Project) -> None:
    well = sales.toolkit("doctor", "--local")
    assert "all 3 can be read" in well.out
    assert PLANTED not in well.out
    catalog = sales.root / "workloads" / "catalog.toml"
    text = catalog.read_text()
    broken = text.replace("prod/db:user", "prod/db:name").replace("ssm:/prod/t", "ssm:/dev/t")
    catalog.write_text(broken)
    try:
        ill = sales.toolkit("doctor", "--local", code=1)
    finally:
        catalog.write_text(text)
    assert "secretsmanager:prod/db:name holds no JSON object with the key name" in ill.out
    assert "ssm:/dev/token is not in" in ill.out
    assert "secretsmanager:prod/db:password is there" in ill.out


def test_a_run_has_its_secrets_and_nothing_that_it_leaves_tells_them(
    sales: Project, tmp_path: Path
) -> None:
    deployed = sales.toolkit("deploy", "--local", "--yes", "--only", "sales")
    preview = deployed.out + deployed.err
    assert "sales gets TOKEN from ssm:/prod/token" in preview
    assert "sales may sqs:* on *" in preview
    ran = sales.toolkit("run", "sales", "--local", "--follow")
    assert "PASS" in ran.out
    assert "password=(redacted) token=(redacted)" in ran.err
    folder = tmp_path / "evidence"
    run_id = ran.out.split()[1]
    kept = sales.toolkit("evidence", run_id, "--local", "--output", str(folder))
    texts = [deployed.out, deployed.err, ran.out, ran.err, kept.out, kept.err]
    texts += [path.read_text("utf-8", "replace") for path in folder.rglob("*") if path.is_file()]
    s3 = sales.aws("s3")
    [bucket] = [row["Name"] for row in s3.list_buckets()["Buckets"]]
    keys = [row["Key"] for row in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    texts += [
        s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode("utf-8", "replace")
        for key in keys
    ]
    cloudformation = sales.aws("cloudformation")
    for stack in cloudformation.describe_stacks()["Stacks"]:
        texts.append(json.dumps(stack, default=str))
        template = cloudformation.get_template(StackName=stack["StackName"])
        texts.append(json.dumps(template, default=str))
    logs = sales.aws("logs")
    for group in logs.describe_log_groups()["logGroups"]:
        events = logs.filter_log_events(logGroupName=group["logGroupName"])["events"]
        texts += [event["message"] for event in events]
    ecs = sales.aws("ecs")
    for arn in ecs.list_task_definitions()["taskDefinitionArns"]:
        definition = ecs.describe_task_definition(taskDefinition=arn)
        texts.append(json.dumps(definition, default=str))
    assert any("secret:prod/db" in text for text in texts), "the search sees task definitions"
    assert any("program.wrote" in text for text in texts), "the search sees the log"
    assert len(list(folder.rglob("*"))) > 3
    assert not [text for text in texts if PLANTED in text]


def test_the_doctor_looks_at_the_execution_role_of_a_workload_with_secrets(sales: Project) -> None:
    sales.toolkit("deploy", "--local", "--yes", "--only", "sales")
    iam = sales.aws("iam")
    [name] = [
        row["RoleName"] for row in iam.list_roles()["Roles"] if "SecretsRole" in row["RoleName"]
    ]
    trust = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    nobody = json.dumps({"Version": "2012-10-17", "Statement": []})
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=nobody)
    try:
        told = sales.toolkit("doctor", "--local", code=1).out
    finally:
        iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(trust))
    assert "execution role of sales" in told
    assert "does not trust ecs-tasks.amazonaws.com" in told


def test_a_policy_that_iam_would_take_and_never_allow_is_refused_before_anything_changes(
    sales: Project,
) -> None:
    path = sales.root / "policies" / "sales.json"
    text = path.read_text()
    path.write_text(text.replace("sqs:*", "sqs:SendMesage"))
    try:
        answer = sales.toolkit("deploy", "--local", "--yes", code=2)
    finally:
        path.write_text(text)
    assert "policies/sales.json, statement 1: sqs:SendMesage is not an action of sqs" in answer.err
    assert "did you mean SendMessage?" in answer.err
