"""Make the pictures of the documentation again: `toolkit site`, light and dark, in docs/static/.

What `make pictures` runs; it takes some minutes, and needs Chromium. Every step is a `toolkit`
command that is printed before it runs: a project of three programs lives through a year on the
embedded AWS, and every firing is a task that really runs. The project is made below
.toolkit/pictures, and nothing is left running. `docs/static/overview.svg` is drawn by hand and has
both colour schemes in itself.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image
from walk import ROOT, Walk

PROJECT, OUT = ROOT / ".toolkit" / "pictures", ROOT / "docs" / "static"
SCHEDULES = {
    "backup": ("cron(0 2 * * ? *)", "UTC"),
    "invoices": ("cron(30 18 ? * MON-FRI *)", "Europe/Berlin"),
    "report": ("cron(0 6 ? * MON *)", "Europe/Berlin"),
}
# Chromium's number of each colour scheme, by the picture that shows it.
PICTURES = {"site.png": 1, "site-dark.png": 0}
SHOWN = "350d"  # so that the months stand in one row
WIDTH, HEIGHT = 1180, 1000
COLOURS = 128  # enough for flat colours and smooth letters, and half of the bytes


def year(walk: Walk) -> None:
    """Twelve months with what goes wrong in a year: faults, and a pause."""
    advance(walk, 70)
    walk.toolkit("local", "fault", "add", "killed", "--schedule", "backup", "--times", "1")
    advance(walk, 50)
    until = ("--until", "14d", "--why", "the books are closed")
    walk.toolkit("pause", "invoices", *until, "--local", "--yes")
    advance(walk, 70)
    walk.toolkit("local", "fault", "add", "pull-fails", "--schedule", "report", "--times", "1")
    advance(walk, 80)
    walk.toolkit("local", "fault", "add", "capacity", "--schedule", "invoices", "--times", "2")
    advance(walk, 85)


def advance(walk: Walk, days: int) -> None:
    """Let days pass, a month at a time: the firings of each stretch are held in memory."""
    while days > 0:
        walk.toolkit("local", "advance", f"{min(days, 30)}d")
        days -= 30


def project(walk: Walk) -> None:
    """A new project of the three programs."""
    for path in walk.copy.glob("*"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    walk.copy.mkdir(parents=True, exist_ok=True)
    walk.toolkit("init", ".", "--app", "nightly", "--region", "eu-central-1")
    for name, (expression, zone) in SCHEDULES.items():
        walk.toolkit("add", name, "--command", f"bin/{name} {{scheduled_date}}")
        file = walk.copy / "schedules" / f"{name}.toml"
        text = file.read_text().replace("cron(0 6 * * ? *)", expression)
        file.write_text(text.replace('"Europe/Berlin"', f'"{zone}"'))
    config = walk.copy / "toolkit.toml"
    config.write_text(config.read_text().replace("[local]\n", '[local]\naudit = "off"\n'))


def picture(page: Path, name: str, scheme: int) -> None:
    """Photograph the top of a page in a colour scheme; raises CalledProcessError."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), "chromium")
    with tempfile.TemporaryDirectory() as folder:
        shot = Path(folder) / "shot.png"
        command = [chromium, "--headless=new", "--no-sandbox", "--disable-gpu"]
        command += ["--hide-scrollbars", f"--user-data-dir={folder}/profile"]
        command += [f"--blink-settings=preferredColorScheme={scheme}"]
        command += [f"--window-size={WIDTH},{HEIGHT}", f"--screenshot={shot}", page.as_uri()]
        subprocess.run(command, check=True, capture_output=True, timeout=120)
        image = Image.open(shot).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
        image.save(OUT / name, optimize=True)
    print(f"{(OUT / name).relative_to(ROOT)}  {(OUT / name).stat().st_size:,} bytes")


def play(walk: Walk) -> None:
    """A new project, deployed, and its year."""
    walk.toolkit("local", "reset", "--yes")
    walk.toolkit("deploy", "--local", "--yes")
    year(walk)


def main() -> None:
    """Play the year, write the site, photograph it; `--again` takes the year of the last time."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    walk, again = Walk(PROJECT), "--again" in sys.argv[1:]
    if not again:
        project(walk)
    try:
        walk.toolkit("local", "start", "--while-pid", str(os.getpid()))
        if not again:
            play(walk)
        walk.toolkit("site", "--local", "--since", SHOWN, "--output", "site")
    finally:
        walk.toolkit("local", "stop")
    for name, scheme in PICTURES.items():
        picture(PROJECT / "site" / "index.html", name, scheme)


if __name__ == "__main__":
    main()
