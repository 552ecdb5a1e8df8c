"""E-commerce: a synthetic shop's orders, the trend analysis people expect, and a check of it.

The walk of a run: `market` (the planted truth) → `generator` (a stream of `orders`) → `tally` (one
pass, constant memory) → `analysis` (`trend`, `products`, `customers`) → `tables` and `dashboard`;
at the end `check` compares the analysis with the truth.
"""

from workloads.batch.ecommerce.job import run
from workloads.batch.ecommerce.settings import Settings

__all__ = ["Settings", "run"]
