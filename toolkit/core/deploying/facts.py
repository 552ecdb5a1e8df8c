"""What `toolkit doctor` wants to know, as values; adapters fill them in, `core.doctor` judges."""

from collections.abc import Mapping

from attrs import frozen


@frozen
class Unknown:
    """A question without an answer; ``gone`` where that is because the thing is not there."""

    reason: str
    gone: bool = False


@frozen
class CallerIdentity:
    """Who asks, and where."""

    account: str
    arn: str
    region: str


@frozen
class Quota:
    """A limit of the account: how much of it is needed, used or wanted."""

    name: str
    limit: float
    needed: float
    wanted: float


@frozen
class RegistryImage:
    """The image of a workload, whether the registry has it, and for which platforms."""

    uri: str
    wanted: str
    present: bool
    platforms: tuple[str, ...]


@frozen
class Zone:
    """An availability zone that subnets lie in, or would; ``missing`` are endpoints it lacks."""

    name: str
    id: str
    missing: tuple[str, ...] = ()


@frozen
class Subnet:
    """A subnet of the tasks; ``way_out`` is internet, nat or none, ``endpoints`` those at hand."""

    id: str
    way_out: str
    free_addresses: int
    endpoints: frozenset[str]


@frozen
class Network:
    """Where tasks run."""

    subnets: tuple[Subnet, ...]
    public_address: bool
    https_allowed: bool


@frozen
class Role:
    """A role; ``decisions`` maps what it must be allowed to IAM's simulated decision."""

    name: str
    service: str
    trusted: bool
    decisions: Mapping[str, str] | Unknown


@frozen
class Queue:
    """The dead-letter queue."""

    name: str
    letters: int
    denies_scheduler: bool


@frozen
class StoredSecret:
    """A secret in its store; no value.

    Attributes:
        region: where it was looked for: the region of the tasks.
        present: whether it is there.
        deleted: it is scheduled for deletion, and cannot be read.
        current: it has a version that ECS would read.
        has_key: whether its JSON has the key that the catalog names; None where that names none.
        kms_key: the customer's key that encrypts it; empty for AWS's own.
    """

    region: str
    present: bool
    deleted: bool = False
    current: bool = True
    has_key: bool | Unknown | None = None
    kms_key: str = ""


@frozen
class SecretUse:
    """What a workload takes as a variable, from where, and what its execution role may decrypt by.

    ``source`` is the catalog's text; ``allowed_key`` the app's KmsKeyArn, or empty.
    """

    source: str
    stored: StoredSecret
    allowed_key: str = ""


@frozen
class Facts:
    """All answers; None means that the question does not arise."""

    identity: CallerIdentity | Unknown
    clock_skew: float | Unknown
    quotas: tuple[Quota, ...] | Unknown | None
    engine: str | Unknown | None
    stacks: Mapping[str, str] | Unknown
    platform_stack: str
    images: Mapping[str, RegistryImage | Unknown]
    network: Network | Unknown | None
    roles: Mapping[str, Role | Unknown]
    queue: Queue | Unknown | None
    log_groups: Mapping[str, bool | Unknown]
    schedules: Mapping[str, str | Unknown]
    ecs_role: bool | Unknown = True
    zones: tuple[Zone, ...] | Unknown | None = None
    expired: Mapping[str, str] = {}
    secrets: Mapping[str, SecretUse | Unknown] = {}
    local: bool = False
