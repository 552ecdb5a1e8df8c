"""What a run must have done: the catalog's row of its workload, as it was deployed.

The row is found through what CloudFormation and ECS recorded, never through what the run says: the
task that ran names its task definition, whose label (CATALOG_LABEL) is the digest of the row, which
packaging left in the bucket as ``catalog/<digest>.json``.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, Self

from attrs import field, frozen

from toolkit.core.names import CONTAINER
from toolkit.runtime.catalog import Workload
from toolkit.runtime.contract import CATALOG_LABEL, WORKLOAD


@frozen
class TaskDefinition:
    """What CloudFormation registered and ECS ran: the image, the environment and the row's digest.

    ``catalog_digest`` is None for a revision that version 0.1 of the toolkit deployed.
    """

    arn: str
    image: str = ""
    catalog_digest: str | None = None
    environment: Mapping[str, str] = {}

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> Self:
        """Read the ``taskDefinition`` of DescribeTaskDefinition's answer."""
        containers = document.get("containerDefinitions") or ()
        named = (row for row in containers if row.get("name") == CONTAINER)
        container: Mapping[str, Any] = next(named, {})
        environment = {row["name"]: row["value"] for row in container.get("environment") or ()}
        labels = container.get("dockerLabels") or {}
        return cls(
            arn=str(document.get("taskDefinitionArn", "")),
            image=str(container.get("image", "")),
            catalog_digest=labels.get(CATALOG_LABEL),
            environment=environment,
        )

    @property
    def workload(self) -> str | None:
        """The workload that its tasks run."""
        return self.environment.get(WORKLOAD)


@frozen
class Expectation:
    """A workload as a run was to find it; ``row`` is what the bucket keeps of it.

    ``assumed`` says that it is today's row, because version 0.1 deployed the run and kept none.
    """

    workload: Workload
    row: bytes = field(repr=False)
    assumed: bool = False

    @property
    def digest(self) -> str:
        """The SHA-256 of the row, in hexadecimal."""
        return hashlib.sha256(self.row).hexdigest()

    @classmethod
    def deployed(cls, row: bytes) -> Self:
        """From a row that was read from the bucket or a kept folder; raises ContractError."""
        return cls(Workload.from_row(row), row)

    @classmethod
    def assume(cls, workload: Workload) -> Self:
        """Today's row, for a run that version 0.1 deployed."""
        return cls(workload, workload.row(), assumed=True)
