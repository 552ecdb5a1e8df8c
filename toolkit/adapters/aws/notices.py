"""What an app tells: messages of its topic, events for rules of its users, and a heartbeat.

- https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
- https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
- https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html
"""

import json
from collections.abc import Mapping
from typing import Any

from toolkit.adapters.aws.session import Aws, translated
from toolkit.core.changes.event import DETAIL_TYPE, SOURCE
from toolkit.core.errors import ToolkitError

NAMESPACE, METRIC = "FargateToolkit", "AuditsFinished"


class Notices:
    """The topic, the event bus and the heartbeat of one app."""

    def __init__(self, aws: Aws, app: str, topic_arn: str) -> None:
        self._aws = aws
        self._app = app
        self._topic_arn = topic_arn

    def mail(self, subject: str, body: str) -> None:
        """Send a message to the topic's subscribers."""
        sns = self._aws.client("sns")
        with translated(f"topic {self._topic_arn}"):
            sns.publish(TopicArn=self._topic_arn, Subject=subject, Message=body)

    def event(self, detail: Mapping[str, Any]) -> None:
        """Put an event on the default bus. HTTP 200 may yet say that it was not taken."""
        events = self._aws.client("events")
        entry = {"Source": SOURCE, "DetailType": DETAIL_TYPE, "Detail": json.dumps(detail)}
        with translated("the event bus"):
            answer = events.put_events(Entries=[entry])
        if answer["FailedEntryCount"]:
            row = answer["Entries"][0]
            code, text = row.get("ErrorCode", ""), row.get("ErrorMessage", "")
            raise ToolkitError(f"the event bus did not take the event: {text} ({code})")

    def beat(self) -> None:
        """Say that an audit has finished: the alarm rings when nobody does."""
        cloudwatch = self._aws.client("cloudwatch")
        dimensions = [{"Name": "App", "Value": self._app}]
        with translated(f"metric {METRIC}"):
            cloudwatch.put_metric_data(
                Namespace=NAMESPACE,
                MetricData=[
                    {"MetricName": METRIC, "Dimensions": dimensions, "Value": 1.0, "Unit": "Count"}
                ],
            )
