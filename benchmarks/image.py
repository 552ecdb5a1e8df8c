"""Size and start of the image against the naive one: `python -m benchmarks.image`.

Needs what `.ci/container-setup` makes. Sizes are those of the layers above the base, as the engine
unpacks them and as the registry stores them (gzip). Starts are from `docker run` to the first line
of the log, which a run writes once its claim stands in S3 (here a moto server on this machine).
"""

import argparse
import json
import logging
import os
import statistics
import subprocess
import time
import urllib.request
import uuid
from pathlib import Path

import boto3
from moto.server import ThreadedMotoServer

from toolkit.adapters.images.docker import Docker
from toolkit.core.deploying.image import ImageName
from toolkit.runtime import catalog

ROOT = Path(__file__).parents[1]
BASE = os.environ.get("IMAGE_BASE", "python-base:bookworm")
REGISTRY = os.environ.get("REGISTRY", "localhost:5000")
ARGUMENTS = {"BASE": BASE, "PIP_CERT": "/etc/ssl/certs/ca-certificates.crt"}
NAIVE = """
ARG BASE
FROM ${BASE}
ARG PIP_CERT
RUN python3 -m venv /venv && /venv/bin/pip install --no-cache-dir %s \\
 && /venv/bin/pip uninstall --yes pip setuptools
COPY toolkit/__init__.py /app/toolkit/
COPY toolkit/runtime /app/toolkit/runtime
COPY workloads /app/workloads
ENV PATH=/venv/bin:/usr/bin:/bin PYTHONPATH=/app
ENTRYPOINT ["python", "-m", "toolkit.runtime"]
"""
EVERYTHING = "import boto3, matplotlib.pyplot, numpy, pandas, tenacity, websocket; print(1)"
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


def build() -> dict[str, ImageName]:
    """Build and push the base, our image and the naive one."""
    docker = Docker()
    names = {name: ImageName(f"{REGISTRY}/bench/{name}", "1") for name in ("base", "ours", "naive")}
    docker.tag(ImageName.parse(BASE), names["base"])
    docker.build(ROOT, names["ours"], arguments=ARGUMENTS, network="host")
    lines = (ROOT / "image" / "requirements.in").read_text().splitlines()
    packages = " ".join(f"'{line}'" for line in lines if line and line[0] != "#")
    options = [f"--build-arg={name}={value}" for name, value in ARGUMENTS.items()]
    tagged = ["--tag", str(names["naive"]), "--file", "-"]
    subprocess.run(
        ["docker", "build", "--quiet", "--network=host", *options, *tagged, str(ROOT)],
        input=NAIVE % packages,
        text=True,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    for name in names.values():
        docker.push(name)
    return names


def unpacked(name: ImageName) -> int:
    command = ["docker", "image", "inspect", "--format", "{{.Size}}", str(name)]
    return int(subprocess.check_output(command))


def packed(name: ImageName) -> int:
    """Bytes of the layers in the registry."""
    address = f"http://{name.host}/v2/{name.path}/manifests/{name.tag}"
    request = urllib.request.Request(address, headers={"Accept": MANIFEST})
    with urllib.request.urlopen(request) as answer:
        return sum(layer["size"] for layer in json.load(answer)["layers"])


def first_line(
    image: ImageName, cpus: float, *options: str, command: tuple[str, ...] = ()
) -> float:
    """Seconds from `docker run` to the first line on stdout."""
    container = f"bench-{uuid.uuid4().hex[:12]}"
    given = ["--rm", f"--name={container}", "--read-only", "--network=host", f"--cpus={cpus}"]
    given += ["--tmpfs=/tmp", "--env=HOME=/tmp"]
    started = time.perf_counter()
    with subprocess.Popen(
        ["docker", "run", *given, *options, str(image), *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        seconds = time.perf_counter() - started
        subprocess.run(["docker", "kill", container], capture_output=True, check=False)
    assert line, f"{image} said nothing"
    return seconds


def start(image: ImageName, workload: str, cpus: float, endpoint: str) -> float:
    environment = {
        "WORKLOAD": workload,
        "SCHEDULE": workload,
        "SCHEDULED_TIME": "2026-11-24T05:00:00Z",
        "RUN_TOKEN": uuid.uuid4().hex[:6],
        "BUCKET": "bench",
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
    }
    options = [f"--env={name}={value}" for name, value in environment.items()]
    return first_line(image, cpus, *options)


def show_starts(names: dict[str, ImageName], rounds: int) -> None:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    endpoint = "http://{}:{}".format(*server.get_host_and_port())
    boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="bench",
        aws_secret_access_key="bench",
    ).create_bucket(Bucket="bench")
    python = ("--entrypoint=python",)
    print("\n| median seconds to the first line | 1 CPU ours | naive | 0.25 CPU ours | naive |")
    print("|---|---|---|---|---|")
    rows = {
        "`print(1)`": lambda image, cpus: first_line(
            image, cpus, *python, command=("-c", "print(1)")
        ),
        **{
            workload: lambda image, cpus, workload=workload: start(image, workload, cpus, endpoint)
            for workload in sorted(catalog.load().workloads)
        },
    }
    for label, measure in rows.items():
        cells = interleaved(rounds, measure, names)
        print(f"| {label} | " + " | ".join(f"{cell:.2f}" for cell in cells) + " |", flush=True)
    cells = [
        statistics.median(
            first_line(names["naive"], cpus, *python, command=("-c", EVERYTHING))
            for _ in range(rounds)
        )
        for cpus in (1, 0.25)
    ]
    print(f"| import everything | | {cells[0]:.2f} | | {cells[1]:.2f} |")
    server.stop()


def interleaved(rounds: int, measure, names: dict[str, ImageName]) -> list[float]:
    """Medians for ours and naive at 1 and 0.25 CPU, measured in turn: the machine is shared."""
    cases = [(names[name], cpus) for cpus in (1, 0.25) for name in ("ours", "naive")]
    seconds = [[measure(image, cpus) for image, cpus in cases] for _ in range(rounds)]
    return [statistics.median(column) for column in zip(*seconds, strict=True)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    names = build()
    print("| above the base | unpacked MB | gzip MB |")
    print("|---|---|---|")
    for name in ("naive", "ours"):
        sizes = [size(names[name]) - size(names["base"]) for size in (unpacked, packed)]
        print(f"| {name} | {sizes[0] / 1e6:.1f} | {sizes[1] / 1e6:.1f} |")
    show_starts(names, rounds)


if __name__ == "__main__":
    main()
