"""Things of several services that all go by one name."""

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from botocore.exceptions import ClientError

from tests.policies import trust

from .account import Account

NAME = "conformance-refused"


def create_repository(account: Account, name: str) -> None:
    account.client("ecr").create_repository(repositoryName=name)


TRUST = trust("ecs-tasks.amazonaws.com")


def create_role(account: Account, name: str) -> None:
    account.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))


def create_schedule(account: Account, name: str) -> None:
    account.client("scheduler").create_schedule(**account.schedule(Name=name))


def create_group(account: Account, name: str) -> None:
    account.client("scheduler").create_schedule_group(Name=name)


def create_log_group(account: Account, name: str) -> None:
    account.client("logs").create_log_group(logGroupName=name)


def create_cluster(account: Account, name: str) -> None:
    account.client("ecs").create_cluster(clusterName=name)


Create = Callable[[Account, str], None]


def delete_all(account: Account) -> None:
    """Remove what goes by `NAME`."""
    group = account.platform["ScheduleGroupName"]
    calls: list[Callable[[], Any]] = [
        lambda: account.client("ecr").delete_repository(repositoryName=NAME),
        lambda: account.client("iam").delete_role(RoleName=NAME),
        lambda: account.client("scheduler").delete_schedule(Name=NAME, GroupName=group),
        lambda: account.client("scheduler").delete_schedule_group(Name=NAME),
        lambda: account.client("logs").delete_log_group(logGroupName=NAME),
        lambda: account.client("ecs").delete_cluster(cluster=NAME),
    ]
    for call in calls:
        with suppress(ClientError):
            call()
