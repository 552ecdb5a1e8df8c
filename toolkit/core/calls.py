"""One call of AWS, as an observer is told of it."""

from attrs import frozen


@frozen
class AwsCall:
    """A call that has ended; ``error`` is AWS's code or the exception's name, or empty."""

    service: str
    operation: str
    seconds: float
    retries: int
    error: str = ""
