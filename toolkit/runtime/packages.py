"""What an image lacks: the package behind a failed import, the service behind a failed client."""

import re
from importlib.util import find_spec

# Where a distribution has another name than the module that it brings.
_DISTRIBUTIONS = {
    "Crypto": "pycryptodome",
    "MySQLdb": "mysqlclient",
    "OpenSSL": "pyopenssl",
    "PIL": "pillow",
    "attr": "attrs",
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python-headless",
    "dateutil": "python-dateutil",
    "dns": "dnspython",
    "docx": "python-docx",
    "dotenv": "python-dotenv",
    "fitz": "pymupdf",
    "git": "gitpython",
    "jwt": "pyjwt",
    "mpl_toolkits": "matplotlib",
    "psycopg2": "psycopg2-binary",
    "serial": "pyserial",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "slugify": "python-slugify",
    "websocket": "websocket-client",
    "yaml": "pyyaml",
    "zmq": "pyzmq",
}
_OURS = frozenset({"toolkit", "workloads"})
# How Python ends a traceback, and what `python -m NAME` says.
_NO_MODULE = re.compile(r"No module named '?([\w.]+)'?$")


def explain_missing(error: BaseException, workload: str) -> str | None:
    """What to do about an error that comes from what the image does not hold; None for others.

    Args:
        error: what a workload raised.
        workload: its name in the catalog.
    """
    if isinstance(error, ImportError):
        # pandas and others raise a plain ImportError because of the real one.
        first = error if isinstance(error, ModuleNotFoundError) else error.__cause__
        known = isinstance(first, ModuleNotFoundError) and first.name
        return _missing_package(known) if known else None
    # botocore is not imported for this: whoever raises it has done so.
    if type(error).__name__ == "UnknownServiceError":
        service = getattr(error, "kwargs", {}).get("service_name")
        return (
            f'the image holds no client for {service}; add services = ["{service}"] to '
            f"[workloads.{workload}] in workloads/catalog.toml"
        )
    return None


def explain_last_line(line: str) -> str | None:
    """What to do about the last line of a program's stderr, if that tells of a missing package."""
    found = _NO_MODULE.search(line.rstrip())
    return _missing_package(found[1]) if found else None


def distribution_of(module: str) -> str:
    """The name under which a module's package is installed.

    >>> distribution_of("yaml"), distribution_of("pandas.io")
    ('pyyaml', 'pandas')
    """
    top = module.partition(".")[0]
    return _DISTRIBUTIONS.get(top, top.replace("_", "-"))


def _missing_package(module: str) -> str | None:
    top = module.partition(".")[0]
    if top in _OURS or find_spec(top) is not None:
        return None  # a module of ours, or of a package that is there: no package would bring it
    package = distribution_of(module)
    return f"the image holds no package {package}; add it: toolkit image lock --add {package}"
