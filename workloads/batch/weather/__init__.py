"""Daily temperatures of weather stations: real observations, checked, modelled and judged.

The walk: `sources` reads a station, `quality` flags what cannot be right, `model` fits annual
harmonics and an autoregression of what they leave, `skill` forecasts a held-out year day by day and
compares it with what anybody could do without a model, `plot` shows it.
"""

from workloads.batch.weather.workload import Settings, run

__all__ = ["Settings", "run"]
