"""The Ising lattice, eight spins to a byte, and its checkerboard Metropolis sweep.

Multi-spin coding (L. Jacobs and C. Rebbi, J. Comput. Phys. 41 (1981) 203): one bitwise operation of
numpy treats every spin of a byte, and the processor's vectors treat 16 to 64 bytes at a time.

Sites whose row + column is even are black, the others white: all neighbours of one colour have the
other one, so that a whole colour may be updated at once. Each colour is an array of bytes with one
column for two sites: black column c of row i is site 2c + i % 2. The eight bits of a byte lie an
eighth of the lattice apart *down* the rows, so that neighbours, but for the seam between two
eighths, are plain slices: one halo row above and one below hold that seam, shifted by a bit.
"""

import math
from typing import Self, TypeAlias

import numpy as np
import numpy.typing as npt
from attrs import define, frozen

Bytes: TypeAlias = npt.NDArray[np.uint8]

SIZE_STEP = 16  # eight eighths, each with an even number of rows
_DIGITS = 8  # binary digits of a probability that are drawn for every spin
_STRIP_BYTES = (
    32 * 1024
)  # bytes of a colour in work at a time: with its masks it stays in the cache
_BIT = np.array([1 << bit for bit in range(8)], dtype=np.uint8)


@frozen
class Metropolis:
    """The moves that cost energy, and how often they are made at one temperature.

    A flip against two more like than unlike neighbours costs 4J, against four 8J, and happens with
    probability exp(-cost/T). ``digits`` holds the first binary digits of both probabilities, least
    significant first; ``hits`` is what those digits leave, as a rate of hits for each spin.
    """

    digits: tuple[tuple[bool, bool], ...]
    hits: tuple[float, float]

    @classmethod
    def at(cls, temperature: float, coupling: float = 1.0) -> Self:
        """The moves at a temperature in units of J/k, for a coupling in units of J."""
        digits, hits = [], []
        for cost in (4, 8):
            probability = math.exp(-cost * coupling / temperature)
            whole = int(probability * 2**_DIGITS)
            drawn = whole / 2**_DIGITS
            digits.append([bool(whole >> place & 1) for place in range(_DIGITS)])
            hits.append(-math.log1p(-(probability - drawn) / (1 - drawn)))
        return cls(tuple(zip(*digits, strict=True)), (hits[0], hits[1]))

    def draw(self, random: np.random.Generator, size: int) -> tuple[Bytes, Bytes]:
        """For each of 8 * ``size`` spins a bit for "pays 4J" and one for "pays 8J".

        A spin uses one of the two, so both may share their random digits. Each bit is set with its
        exact probability: from the least significant digit on, a random plane that is ORed where
        the digit is one, ANDed where it is zero, adds that digit; then hits fall anywhere, several
        perhaps on one spin, and miss each independently with probability exp(-rate).
        """
        four, eight = np.zeros(size, np.uint8), np.zeros(size, np.uint8)
        for four_digit, eight_digit in self.digits:
            plane = random.bit_generator.random_raw(size // 8).view(np.uint8)
            (np.bitwise_or if four_digit else np.bitwise_and)(four, plane, out=four)
            (np.bitwise_or if eight_digit else np.bitwise_and)(eight, plane, out=eight)
        for mask, rate in zip((four, eight), self.hits, strict=True):
            spins = random.integers(8 * size, size=random.poisson(8 * size * rate))
            np.bitwise_or.at(mask, spins >> 3, _BIT[spins & 7])
        return four, eight


@define
class Lattice:
    """A square lattice of spins with periodic boundaries; both colours have their halo rows."""

    black: Bytes
    white: Bytes

    @classmethod
    def ordered(cls, size: int) -> Self:
        """All spins up; ``size`` must be a multiple of 16."""
        return cls.pack(np.ones((size, size), dtype=bool))

    @classmethod
    def pack(cls, spins: npt.NDArray[np.bool_]) -> Self:
        """The lattice with these spins, True for up, of shape (size, size)."""
        size = len(spins)
        if spins.shape != (size, size) or size % SIZE_STEP:
            raise ValueError(f"a lattice is square, of {SIZE_STEP}n spins; got {spins.shape}")
        return cls(*(_pack_colour(spins, colour) for colour in (0, 1)))

    @property
    def size(self) -> int:
        """Sites along one side."""
        return 2 * int(self.black.shape[1])

    def unpack(self) -> npt.NDArray[np.bool_]:
        """The spins, True for up, of shape (size, size)."""
        spins = np.empty((self.size, self.size), dtype=bool)
        for colour, packed in enumerate((self.black, self.white)):
            bits = np.unpackbits(packed[np.newaxis, 1:-1], axis=0).view(bool)
            columns = bits.reshape(self.size, -1)
            spins[0::2, colour::2] = columns[0::2]
            spins[1::2, 1 - colour :: 2] = columns[1::2]
        return spins

    def sweep(
        self, moves: Metropolis, random: np.random.Generator, strip_bytes: int = _STRIP_BYTES
    ) -> None:
        """Offer every spin one Metropolis flip: all black ones, then all white ones."""
        _update(self.black, self.white, 0, moves, random, strip_bytes)
        _update(self.white, self.black, 1, moves, random, strip_bytes)

    def measure(self) -> tuple[float, float]:
        """Magnetisation and energy per spin, the latter in units of the coupling."""
        sites = self.size**2
        up = _count(self.black[1:-1]) + _count(self.white[1:-1])
        # Every bond has one black end. A bond of unlike spins costs 2J more than one of like spins.
        unlike = sum(_count(u) for u in _unlike(self.black, self.white, 0, 1, len(self.black) - 1))
        return 2 * up / sites - 1, 2 * unlike / sites - 2


def _pack_colour(spins: npt.NDArray[np.bool_], colour: int) -> Bytes:
    size = len(spins)
    columns = np.empty((size, size // 2), dtype=bool)
    columns[0::2] = spins[0::2, colour::2]
    columns[1::2] = spins[1::2, 1 - colour :: 2]
    packed = np.empty((size // 8 + 2, size // 2), dtype=np.uint8)
    packed[1:-1] = np.packbits(columns.reshape(8, size // 8, size // 2), axis=0)[0]
    _renew_halo(packed)
    return packed


def _renew_halo(packed: Bytes) -> None:
    # The row above an eighth's first is the last row of the eighth before it: one bit further on.
    packed[0] = packed[-2] >> 1 | packed[-2] << 7
    packed[-1] = packed[1] << 1 | packed[1] >> 7


def _unlike(
    colour: Bytes, other: Bytes, parity: int, start: int, stop: int
) -> tuple[Bytes, Bytes, Bytes, Bytes]:
    """For rows ``start`` to ``stop``, which spins differ from each of their four neighbours.

    In rows of the given parity (counted without the halo) the neighbours beside column c are the
    other colour's columns c - 1 and c, in the rest c and c + 1.
    """
    here, beside = colour[start:stop], other[start:stop]
    across = np.empty_like(beside)
    left, right = slice(parity, None, 2), slice(1 - parity, None, 2)
    across[left, 1:] = beside[left, :-1]
    across[left, 0] = beside[left, -1]
    across[right, :-1] = beside[right, 1:]
    across[right, -1] = beside[right, 0]
    across ^= here
    above, below = other[start - 1 : stop - 1], other[start + 1 : stop + 1]
    return here ^ above, here ^ below, here ^ beside, across


def _update(
    colour: Bytes,
    other: Bytes,
    parity: int,
    moves: Metropolis,
    random: np.random.Generator,
    strip_bytes: int,
) -> None:
    """Offer every spin of a colour one flip, a strip of rows at a time."""
    rows, width = colour.shape
    strip = max(2, strip_bytes // width // 2 * 2)  # an even number of rows, which keeps the parity
    for start in range(1, rows - 1, strip):
        stop = min(start + strip, rows - 1)
        a, b, c, d = _unlike(colour, other, parity, start, stop)
        four, eight = (mask.reshape(a.shape) for mask in moves.draw(random, a.size))
        one_of_ab, one_of_cd = a | b, c | d
        a &= b
        c &= d
        free = a | c | one_of_ab & one_of_cd  # two or more unlike neighbours: costs nothing
        one_or_more = one_of_ab | one_of_cd
        colour[start:stop] ^= free | one_or_more & four | ~one_or_more & eight
    _renew_halo(colour)


def _count(packed: Bytes) -> int:
    return int(np.bitwise_count(packed.view(np.uint64)).sum(dtype=np.int64))
