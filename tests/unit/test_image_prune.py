"""What the image's build takes out of the packages, and what it must leave."""

import gzip
import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from image import prune

ROOT = Path(__file__).parents[2]


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
    "dateutil/test/test_parser.py",
    "pip/__init__.py",
    "numpy/linalg/tests/test_linalg.py",
    "numpy/__init__.pyi",
    "numpy/f2py/f2py.py",
    "pandas/io/formats/templates/html.tpl",
    "numpy/_core/_simd.cpython-311-x86_64-linux-gnu.so",
    "fontTools/subset.py",
    "fontTools/misc/bezierTools.cpython-311-x86_64-linux-gnu.so",
    "matplotlib/mpl-data/sample_data/goog.npz",
    "matplotlib/sphinxext/roles.py",
    "matplotlib/mpl-data/fonts/afm/cmr10.afm",
    "PIL/_avif.cpython-311-x86_64-linux-gnu.so",
    "botocore/data/ec2/2016-11-15/service-2.json.gz",
    "botocore/data/s3/2006-03-01/examples-1.json",
    "boto3/examples/s3.rst",
    "boto3/data/s3/resources-1.json",
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
    root = tmp_path / "site-packages"
    for name in (*GOES, *STAYS):
        write(root / name)
    for path in root.glob("botocore/data/*/*/*.json.gz"):
        write(path, gzip.compress(b"{}"))
    (root / "botocore/data/sts").mkdir()
    write(root / "botocore/data/endpoints.json", b'{"partitions": []}')
    return root


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The build files of this project."""
    made = tmp_path / "build"
    made.mkdir()
    for name in ("image/prune.toml", "image/requirements.lock", "workloads/catalog.toml"):
        shutil.copy(ROOT / name, made)
    return made


def left(root: Path) -> set[str]:
    return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}


def test_every_cut_of_this_project_is_carried_out_and_told(
    site_packages: Path, folder: Path
) -> None:
    plan = prune.read_plan(folder)
    whys = dict(prune.prune(site_packages, plan))
    assert {cut.why for cut in (*plan.cuts, *plan.own)} <= whys.keys()
    assert [name for name in GOES if (site_packages / name).exists()] == []
    assert [name for name in STAYS if not (site_packages / name).exists()] == []


def test_a_cut_of_a_project_that_finds_nothing_stops_the_build(
    site_packages: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(site_packages / "boto3/data")
    assert prune.main([str(site_packages), str(folder)]) == 1
    assert "prune.toml: nothing to cut: boto3's resources" in capsys.readouterr().err


def test_every_cut_says_why(folder: Path) -> None:
    plan = prune.read_plan(folder)
    whys = [cut.why for cut in (*plan.cuts, *plan.own)]
    assert all(whys)
    assert len(set(whys)) == len(whys)


def project(tmp_path: Path, *, lock: str = "boto3==1\n", catalog: str = "") -> Path:
    """The build files of a project that has no prune.toml."""
    write(tmp_path / "build/requirements.lock", lock.encode())
    write(tmp_path / "build/catalog.toml", catalog.encode())
    return tmp_path / "build"


def test_a_project_without_any_package_loses_nothing_and_fails_of_nothing(tmp_path: Path) -> None:
    root = tmp_path / "site-packages"
    write(root / "sixish.py")
    assert prune.main([str(root), str(project(tmp_path, lock=""))]) == 0
    assert left(root) == {"sixish.py"}


def test_what_only_this_project_can_spare_stays_in_others(
    site_packages: Path, tmp_path: Path
) -> None:
    before = left(site_packages)
    list(prune.prune(site_packages, prune.read_plan(project(tmp_path))))
    gone = before - left(site_packages)
    assert "fontTools/subset.py" not in gone
    assert "boto3/data/s3/resources-1.json" not in gone
    assert "numpy-2.4.6.dist-info/RECORD" not in gone
    assert "numpy/__init__.pyi" not in gone
    assert {"pip/__init__.py", "numpy/linalg/tests/test_linalg.py"} <= gone


@pytest.mark.parametrize("installer", ["pip", "setuptools"])
def test_an_installer_that_the_lock_names_stays(
    installer: str, site_packages: Path, tmp_path: Path
) -> None:
    write(site_packages / installer / "__init__.py")
    folder = project(tmp_path, lock=f"boto3==1\n{installer}==80.0\n")
    list(prune.prune(site_packages, prune.read_plan(folder)))
    kept = {name for name in prune.INSTALLERS if (site_packages / name).exists()}
    assert kept == {installer}


def test_the_clients_of_services_that_a_workload_names_stay(
    site_packages: Path, tmp_path: Path
) -> None:
    catalog = '[workloads.a]\nservices = ["ec2"]\n[workloads.b]\nsummary = "none"\n'
    list(prune.prune(site_packages, prune.read_plan(project(tmp_path, catalog=catalog))))
    services = {path.name for path in (site_packages / "botocore/data").iterdir() if path.is_dir()}
    assert services == {"s3", "sts", "ec2"}


def test_a_service_that_does_not_exist_stops_the_build(
    site_packages: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = project(tmp_path, catalog='[workloads.a]\nservices = ["dynamo"]\n')
    assert prune.main([str(site_packages), str(folder)]) == 1
    assert "catalog.toml: services: AWS has no dynamo" in capsys.readouterr().err
