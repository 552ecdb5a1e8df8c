"""What every plot of the workloads says of itself."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def note_origin(figure: "Figure", origin: str) -> None:
    """Write where the run took place, small, into the upper right corner; nothing if empty."""
    if origin:
        figure.text(0.995, 0.995, origin, ha="right", va="top", fontsize=7, color="#6b6b6b")
