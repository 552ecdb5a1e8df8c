"""What a failed import or client says of the image."""

import pytest

from toolkit.runtime.packages import distribution_of, explain_last_line, explain_missing


def failed(code: str) -> BaseException:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - each case names its own
        exec(code, {})
    return caught.value


@pytest.mark.parametrize(
    ("code", "package"),
    [
        ("import sklern_not_there", "sklern-not-there"),
        ("import cv2.dnn", "opencv-python-headless"),
        ("from yaml_missing import load", "yaml-missing"),
        (
            "try:\n import nowhere\nexcept ImportError as e:\n raise ImportError('no') from e",
            "nowhere",
        ),
    ],
)
def test_a_missing_package_is_named_with_the_command_that_adds_it(code: str, package: str) -> None:
    text = explain_missing(failed(code), "sales")
    assert text is not None
    assert text.endswith(f"toolkit image lock --add {package}")


@pytest.mark.parametrize(
    "code",
    [
        "import workloads.not_there",
        "import toolkit.not_there",
        "import json.not_there",  # the package is there, no other version is known to have it
        "from json import not_there",
        "raise ImportError('no cause')",
        "raise ValueError('import')",
        "1 / 0",
    ],
)
def test_other_errors_are_not_blamed_on_the_image(code: str) -> None:
    assert explain_missing(failed(code), "sales") is None


@pytest.mark.parametrize(
    ("line", "package"),
    [
        ("ModuleNotFoundError: No module named 'not_there'", "not-there"),
        ("ModuleNotFoundError: No module named 'nowhere.deep'\r", "nowhere"),
        ("/venv/bin/python: No module named nowhere", "nowhere"),
    ],
)
def test_the_last_line_of_a_program_names_the_package(line: str, package: str) -> None:
    text = explain_last_line(line)
    assert text is not None
    assert text.endswith(f"toolkit image lock --add {package}")


@pytest.mark.parametrize(
    "line",
    [
        "",
        "ValueError: 3",
        "ModuleNotFoundError: No module named 'workloads.nowhere'",
        "ModuleNotFoundError: No module named 'json.nowhere'; 'json' is not a package",
        "No module named nowhere is known to me",
    ],
)
def test_any_other_last_line_names_none(line: str) -> None:
    assert explain_last_line(line) is None


def test_a_client_that_the_image_does_not_hold_names_the_key_of_the_catalog() -> None:
    error = failed("import boto3\nboto3.client('dynamodbb', region_name='eu-central-1')")
    text = explain_missing(error, "sales")
    assert text is not None
    assert 'services = ["dynamodbb"] to [workloads.sales]' in text


@pytest.mark.parametrize(
    ("module", "distribution"),
    [("PIL.Image", "pillow"), ("sklearn", "scikit-learn"), ("pandas", "pandas"), ("a_b", "a-b")],
)
def test_a_module_is_told_by_the_name_that_pip_knows(module: str, distribution: str) -> None:
    assert distribution_of(module) == distribution
