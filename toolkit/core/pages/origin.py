"""Where the runs of a page come from.

The head of every page says it, so that no rehearsal passes for a run in an account.
"""

from attrs import frozen

from toolkit.core.pages.html import Html, el
from toolkit.runtime.contract import EMBEDDED_ACCOUNT, account_and_region


@frozen
class Origin:
    """The account and region of runs, and the data that they worked on.

    ``account`` is empty where no witness names it. ``image`` is the digest of what ran, and
    ``feed`` what a stream said of its market; both are empty where a page is about several runs.
    Where no task is on record, they are the run's own word, and ``witnessed`` is false.
    """

    account: str
    region: str
    image: str = ""
    feed: str = ""
    witnessed: bool = True

    @classmethod
    def of_task(
        cls, arn: str, *, image: str = "", feed: str = "", witnessed: bool = True
    ) -> "Origin":
        """The origin of a run by its task's ARN.

        >>> Origin.of_task("arn:aws:ecs:eu-central-1:123456789012:task/app/0a").region
        'eu-central-1'
        """
        return cls(*account_and_region(arn), image, feed, witnessed)

    @property
    def embedded(self) -> bool:
        """Whether this was the embedded AWS."""
        return self.account == EMBEDDED_ACCOUNT

    def words(self) -> str:
        """One or two sentences; empty where nothing is known."""
        where = [f"region {self.region}"] if self.region else []
        if self.embedded:
            told = "A rehearsal on the embedded AWS: no AWS account, and the clock is virtual."
        elif self.account:
            told = ", ".join([f"AWS account {self.account}", *where]) + "."
        else:
            told = "No witness says in which AWS account this ran."
        if self.image:
            told += f" Image {self.image}."
        if self.account and not self.witnessed:
            told += " By the run's own word: no task of it is on record."
        return f"{told} Market feed: {self.feed}." if self.feed else told

    def banner(self) -> Html:
        """The line below a page's title."""
        rehearsed = self.embedded or self.feed in ("synthetic", "recorded")
        return el("p", self.words(), class_="origin rehearsed" if rehearsed else "origin")
