"""What the image's build takes out of the packages, and what it must leave."""

import gzip
import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

from image import prune


def write(path: Path, content: bytes = b"x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_a_stripped_extension_module_still_loads(tmp_path: Path) -> None:
    copy = write(tmp_path / "_random.so", _extension("_random"))
    removed = prune.strip(copy)
    assert removed > 0
    code = (
        "import importlib.util as u; s = u.spec_from_file_location('_random', r'{}');"
        "m = u.module_from_spec(s); s.loader.exec_module(m); print(m.Random(1).random())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code.format(copy)], capture_output=True, text=True, check=True
    )
    assert 0 < float(done.stdout) < 1


def _extension(name: str) -> bytes:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None or not spec.origin.endswith(".so"):
        pytest.skip(f"this Python has {name} built in")
    return Path(spec.origin).read_bytes()


@pytest.mark.parametrize("content", [b"", b"#!/bin/sh\n", b"\x7fELF\x01\x01" + bytes(60)])
def test_what_is_no_64_bit_elf_file_is_left_alone(content: bytes, tmp_path: Path) -> None:
    path = write(tmp_path / "x.so", content)
    assert prune.strip(path) == 0
    assert path.read_bytes() == content


def test_a_library_stays_while_anything_that_stays_names_it(tmp_path: Path) -> None:
    write(tmp_path / "numpy/_core/umath.cpython-311.so", b"..libblas-1.so.0..")
    write(tmp_path / "numpy.libs/libblas-1.so.0", b"..libfortran-2.so.5..")
    write(tmp_path / "numpy.libs/libfortran-2.so.5")
    lonely = [
        write(tmp_path / "pillow.libs/libavif-3.so.16.4", b"..libyuv-4.so.1.."),
        write(tmp_path / "pillow.libs/libyuv-4.so.1"),
    ]
    assert list(prune.unused_libraries(tmp_path)) == sorted(lonely)


def test_models_lose_their_documentation_and_nothing_else(tmp_path: Path) -> None:
    model = {
        "documentation": "<p>long</p>",
        "shapes": {"Put": {"members": {"documentation": {"shape": "Text"}}, "required": ["a"]}},
    }
    path = tmp_path / "s3/2006-03-01/service-2.json.gz"
    write(path, gzip.compress(json.dumps(model).encode()))
    list(prune.shorten_models(tmp_path))
    assert not path.exists()
    assert json.loads(path.with_suffix("").read_bytes()) == {**model, "documentation": ""}


def test_endpoints_are_kept_for_the_services_that_are_described(tmp_path: Path) -> None:
    services = {"s3": {"endpoints": {"eu-central-1": {}}}, "polly": {"endpoints": {}}}
    endpoints = {"partitions": [{"partition": "aws", "services": services, "regions": {"x": {}}}]}
    write(tmp_path / "endpoints.json", json.dumps(endpoints).encode())
    (tmp_path / "s3").mkdir()
    assert prune.shorten_endpoints(tmp_path) > 0
    [partition] = json.loads((tmp_path / "endpoints.json").read_bytes())["partitions"]
    assert partition == {
        "partition": "aws",
        "services": {"s3": services["s3"]},
        "regions": {"x": {}},
    }


GOES = (
    "pip/__init__.py",
    "numpy/linalg/tests/test_linalg.py",
    "numpy/__init__.pyi",
    "numpy/f2py/f2py.py",
    "pandas/io/formats/templates/html.tpl",
    "numpy/_core/_simd.cpython-311-x86_64-linux-gnu.so",
    "fontTools/subset.py",
    "fontTools/misc/bezierTools.cpython-311-x86_64-linux-gnu.so",
    "matplotlib/mpl-data/sample_data/goog.npz",
    "matplotlib/mpl-data/fonts/afm/cmr10.afm",
    "PIL/_avif.cpython-311-x86_64-linux-gnu.so",
    "botocore/data/ec2/2016-11-15/service-2.json.gz",
    "botocore/data/s3/2006-03-01/examples-1.json",
    "boto3/examples/s3.rst",
    "vega_datasets/_data/cars.json",
    "numpy-2.4.6.dist-info/RECORD",
)
STAYS = (
    "numpy/linalg/linalg.py",
    "fontTools/agl.py",
    "fontTools/misc/textTools.py",
    "matplotlib/mpl-data/fonts/ttf/DejaVuSans.ttf",
    "PIL/_imaging.cpython-311-x86_64-linux-gnu.so",
    "botocore/data/s3/2006-03-01/paginators-1.json",
    "botocore/data/partitions.json",
    "vega_datasets/_data/seattle-weather.csv",
    "numpy-2.4.6.dist-info/METADATA",
)


@pytest.fixture
def site_packages(tmp_path: Path) -> Path:
    """A little of everything, under the names that the packages use."""
    for name in (*GOES, *STAYS):
        write(tmp_path / name)
    for path in tmp_path.glob("botocore/data/*/*/*.json.gz"):
        write(path, gzip.compress(b"{}"))
    write(tmp_path / "botocore/data/endpoints.json", b'{"partitions": []}')
    return tmp_path


def test_every_cut_is_carried_out_and_told(site_packages: Path) -> None:
    told = dict(prune.prune(site_packages))
    assert {cut.why for cut in prune.CUTS} <= told.keys()
    assert [name for name in GOES if (site_packages / name).exists()] == []
    assert [name for name in STAYS if not (site_packages / name).exists()] == []


def test_a_cut_that_finds_nothing_stops_the_build(site_packages: Path) -> None:
    (site_packages / "boto3/examples/s3.rst").unlink()
    (site_packages / "boto3/examples").rmdir()
    with pytest.raises(ValueError, match="nothing to cut: boto3's resources and examples"):
        list(prune.prune(site_packages))


def test_every_cut_says_why() -> None:
    assert all(cut.why for cut in prune.CUTS)
    assert len({cut.why for cut in prune.CUTS}) == len(prune.CUTS)
