"""Scientific computing with an exact answer: the Ising model, and the heat equation beside it.

Onsager solved the two-dimensional Ising model in 1944, so a simulation of any size can be judged:
its magnetisation, energy and specific heat must agree with his within their errors. One variable,
``SCIENCE_SCALE``, takes it from a second to days of work.

How the modules hang together: ``study`` makes a ``plan`` from the scale, a ``simulation`` deals the
``chain`` of each temperature out to ``workers`` turn by turn, each sweeps its ``lattice``, and
``findings`` hold the samples (errors by ``bootstrap``) against ``onsager``. ``finite_size`` holds
small lattices at the critical temperature against numbers of their own.
"""

from workloads.batch.science.plan import Settings
from workloads.batch.science.study import run

__all__ = ["Settings", "run"]
