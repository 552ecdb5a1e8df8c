"""How long `toolkit --help` takes, side by side with `sam --help` of aws-sam-cli.

    python benchmarks/startup.py
    python benchmarks/startup.py --runs 40 --sam /path/to/sam

The commands run in turn, so that a machine that slows down slows both. aws-sam-cli gets an
environment of its own in .venv-sam, made on demand: it pins much.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
SAM = ROOT / ".venv-sam" / "bin" / "sam"
OURS = (
    ("toolkit --help", ("--help",)),
    ("toolkit --version", ("--version",)),
    ("toolkit next", ("next", "rate(1 day)")),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--sam", type=Path, default=SAM)
    options = parser.parse_args()
    if options.sam == SAM and not SAM.exists():
        install_sam()
    toolkit = str(Path(sys.executable).parent / "toolkit")
    commands = {"sam --help": (str(options.sam), "--help")}
    commands |= {name: (toolkit, *arguments) for name, arguments in OURS}
    seconds = measure(commands, options.runs)
    base = median(seconds["sam --help"])
    for name, values in seconds.items():
        middle, low, high = (1000 * of(values) for of in (median, min, max))
        figures = f"{middle:6.0f} ms  ({low:.0f} to {high:.0f})"
        print(f"{name:18} {figures:26} {middle / base / 1000:5.2f} of sam --help")


def measure(commands: dict[str, tuple[str, ...]], runs: int) -> dict[str, list[float]]:
    """Wall-clock seconds of each command; the first round, which fills caches, does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for round_number in range(runs + 1):
        for name, command in commands.items():
            began = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            if round_number:
                seconds[name].append(time.perf_counter() - began)
    return seconds


def install_sam() -> None:
    """aws-sam-cli from the package registry."""
    venv = SAM.parent.parent
    subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    pip = [str(venv / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, "aws-sam-cli"], check=True)


if __name__ == "__main__":
    main()
