"""One deployed app: everything an action works with, made and asked for at its first use."""

from collections.abc import Callable
from datetime import datetime
from threading import RLock
from typing import TYPE_CHECKING, Any, Generic, Protocol, Self, TypeVar, overload

from attrs import frozen

from toolkit.adapters.aws import account
from toolkit.adapters.aws.cloudformation import CloudFormation
from toolkit.adapters.aws.ecr import Ecr
from toolkit.adapters.aws.ecs import Ecs
from toolkit.adapters.aws.logs import Logs
from toolkit.adapters.aws.notices import Notices
from toolkit.adapters.aws.s3 import Bucket
from toolkit.adapters.aws.scheduler import Scheduler
from toolkit.adapters.aws.session import Aws
from toolkit.adapters.aws.sqs import DeadLetterQueue
from toolkit.adapters.bucket.archive import Archive
from toolkit.adapters.bucket.kept_tasks import KeptTasks
from toolkit.adapters.bucket.record_copies import RecordCopies
from toolkit.adapters.bucket.releases import Releases
from toolkit.adapters.bucket.seals import Seals
from toolkit.core.deploying.config import DEFAULT, LOCAL, Config
from toolkit.core.deploying.facts import Unknown
from toolkit.core.deploying.stacks import AppStacks
from toolkit.core.errors import ConfigError
from toolkit.core.names import AppNames
from toolkit.core.platform import Platform, WorkloadOutputs
from toolkit.core.stack import ChangeSet, Stack, StackEvent

if TYPE_CHECKING:
    from toolkit.adapters.project.project import Project  # an image has no files of the project

_T = TypeVar("_T")


class Console(Protocol):
    """What an action may show while it works; results are returned, not shown."""

    def say(self, text: str) -> None:
        """A line of progress."""

    def changes(self, change_sets: list[ChangeSet]) -> None:
        """What is about to change."""

    def event(self, stack: str, event: StackEvent) -> None:
        """One event of a stack, live."""

    def confirm(self, question: str) -> bool:
        """Ask; a console without a person says no."""


@frozen
class Quiet:
    """The console of an action without a person: lines go to ``tell``, questions get a no."""

    tell: Callable[[str], None]

    def say(self, text: str) -> None:
        """A line of progress."""
        self.tell(text)

    def changes(self, change_sets: list[ChangeSet]) -> None:
        """Nothing is shown."""

    def event(self, stack: str, event: StackEvent) -> None:
        """Nothing is shown."""

    def confirm(self, _question: str) -> bool:
        """Nobody is asked."""
        return False


class _Once(Generic[_T]):
    """A property of an App that is made once, by whichever thread needs it first."""

    def __init__(self, make: "Callable[[App], _T]") -> None:
        self._make = make
        self._name = make.__name__
        self.__doc__ = make.__doc__

    @overload
    def __get__(self, app: None, kind: type) -> Self: ...

    @overload
    def __get__(self, app: "App", kind: type) -> _T: ...

    def __get__(self, app: "App | None", kind: type) -> Self | _T:
        if app is None:
            return self
        with app.lock:
            if self._name not in app.made:
                app.made[self._name] = self._make(app)
            made: _T = app.made[self._name]
            return made


class App:
    """One deployed app, in one call of the command line: where, as whom, when.

    With a ``kept_bucket`` the app was deleted, and that bucket is all that is read of it: there are
    no stacks, no cluster and no logs.

    ``place_hint`` puts the flags that lead here into the commands of a hint, for people.

    What AWS was asked for stays known: ``stacks`` and ``platform`` are read once, until
    ``forget_stacks`` says that something was deployed.
    """

    def __init__(
        self,
        project: "Project",
        config: Config,
        aws: Aws,
        console: Console,
        clock: Callable[[], datetime],
        *,
        local: bool,
        kept_bucket: str = "",
    ) -> None:
        self.project = project
        self.config = config
        self.aws = aws
        self.console = console
        self.local = local
        self.kept_bucket = kept_bucket
        self.lock = RLock()
        self.made: dict[str, Any] = {}
        self.place_hint: Callable[[str], str] = str
        self._clock = clock

    @classmethod
    def of_platform(
        cls,
        name: str,
        platform: Platform,
        aws: Aws,
        console: Console,
        clock: Callable[[], datetime],
    ) -> Self:
        """An app of which only the platform's outputs are known: no project, no stacks.

        This is how a task of the app sees it.
        """
        project: Any = None
        app = cls(project, Config(DEFAULT, AppNames(name)), aws, console, clock, local=False)
        app.made["platform"] = platform
        app.made["stacks"] = AppStacks.of([], app.names.platform_stack)
        return app

    def now(self) -> datetime:
        """The time by which schedules fire: on the embedded AWS, its virtual clock's.

        Ask once an action: the embedded AWS is another process.
        """
        return self._clock()

    @property
    def name(self) -> str:
        """The app's name."""
        return self.config.app.name

    @property
    def place(self) -> str:
        """Where the app is, for a question that a person answers."""
        if self.local:
            return "on the embedded AWS"
        number, region = self.account_and_region
        return f"in account {number}, {region}" if number else "on AWS"

    @property
    def account_and_region(self) -> tuple[str, str]:
        """The number of the AWS account and the region, both empty where STS does not say."""
        who = account.asked(lambda: account.identity(self.aws))
        return ("", "") if isinstance(who, Unknown) else (who.account, who.region)

    @property
    def caller(self) -> str:
        """The ARN of who asks, by STS."""
        return account.identity(self.aws).arn

    @property
    def names(self) -> AppNames:
        """The names of what the app owns."""
        return self.config.app

    def command(self, words: str) -> str:
        """A command of the toolkit to paste, with the flags that lead here."""
        local = " --local" if self.local else ""
        usual = self.config.environment in {DEFAULT, LOCAL}
        environment = "" if usual else f" --config-env {self.config.environment}"
        return f"toolkit {words}{local}{environment}"

    @_Once
    def formation(self) -> CloudFormation:
        """CloudFormation."""
        return CloudFormation(self.aws)

    @_Once
    def ecr(self) -> Ecr:
        """The registry."""
        return Ecr(self.aws)

    @_Once
    def logs(self) -> Logs:
        """CloudWatch Logs."""
        return Logs(self.aws)

    @_Once
    def ecs(self) -> Ecs:
        """The tasks of the app's cluster."""
        return Ecs(self.aws, "" if self.kept_bucket else self.platform.cluster_name)

    @_Once
    def scheduler(self) -> Scheduler:
        """The schedules of the app's group."""
        return Scheduler(self.aws, self.platform.schedule_group_name)

    @_Once
    def archive(self) -> Archive:
        """What the app's bucket holds of its runs and deployments."""
        return Archive(self.bucket)

    @_Once
    def record_copies(self) -> RecordCopies:
        """The state-change records that a deletion copies into the bucket."""
        return RecordCopies(self.bucket, self.console.say)

    @_Once
    def kept_tasks(self) -> KeptTasks:
        """What the audit kept of tasks whose record did not arrive."""
        return KeptTasks(self.bucket)

    @_Once
    def bucket(self) -> Bucket:
        """The app's bucket."""
        return Bucket(self.aws, self.kept_bucket or self.platform.bucket_name)

    @_Once
    def seals(self) -> Seals:
        """The seals in the app's bucket."""
        return Seals(self.bucket)

    @_Once
    def releases(self) -> Releases:
        """The releases in the app's bucket."""
        return Releases(self.aws, self.platform.bucket_name)

    @_Once
    def dead_letter_queue(self) -> DeadLetterQueue:
        """Where launches go that were given up."""
        return DeadLetterQueue(self.aws, self.platform.dead_letter_queue_url)

    @_Once
    def notices(self) -> Notices:
        """The topic, the event bus and the audit's heartbeat."""
        return Notices(self.aws, self.name, self.platform.notification_topic_arn)

    @_Once
    def stacks(self) -> AppStacks:
        """Every stack of the app."""
        owned = [] if self.kept_bucket else self.formation.owned(self.name)
        return AppStacks.of(owned, self.names.platform_stack)

    @_Once
    def platform(self) -> Platform:
        """The outputs of the platform stack; ConfigError when it is not deployed."""
        stack = self.names.platform_stack
        outputs = self.deployed(stack).outputs
        if not outputs:
            raise self._not_deployed(stack)
        return Platform(stack, outputs)

    def workload(self, name: str) -> WorkloadOutputs:
        """The outputs of a workload's stack; ConfigError when it is not deployed."""
        stack = self.names.workload_stack(name)
        return WorkloadOutputs(stack, self.deployed(stack).outputs)

    def deployed(self, name: str) -> Stack:
        """One stack of the app; ConfigError when it is not deployed."""
        known = "stacks" in self.made
        stack = self.stacks.all.get(name) if known else self.formation.find(name)
        if stack is None:
            raise self._not_deployed(name)
        return stack

    def note_stack(self, stack: Stack) -> None:
        """Take in how a stack stands that was just deployed."""
        with self.lock:
            stacks = {**self.stacks.all, stack.name: stack}.values()
            self.made["stacks"] = AppStacks.of(stacks, self.names.platform_stack)
            self.made.pop("platform", None)

    def forget_stacks(self) -> None:
        """Ask for the stacks again when they are needed next: something was deployed."""
        with self.lock:
            self.made.pop("stacks", None)
            self.made.pop("platform", None)

    def _not_deployed(self, stack: str) -> ConfigError:
        hint = f"deploy it first: {self.command('deploy')}"
        return ConfigError(f"stack {stack} is not deployed", hint=hint)
