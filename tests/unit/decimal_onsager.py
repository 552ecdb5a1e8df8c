"""Onsager's solution in decimal arithmetic of 50 digits, by formulas of its own.

The energy is the double integral in its classical form with the modulus k = 2 sinh(2K) / cosh(2K)^2
and K(k) by the arithmetic-geometric mean; the specific heat is its numerical derivative.
"""

from decimal import Decimal, localcontext

from attrs import frozen

DIGITS = 50
_STEP = Decimal("1e-12")


@frozen
class Exact:
    energy: Decimal
    magnetisation: Decimal
    specific_heat: Decimal


def at(temperature: str) -> Exact:
    with localcontext(prec=DIGITS):
        t = Decimal(temperature)
        slope = (_energy(t + _STEP) - _energy(t - _STEP)) / (2 * _STEP)
        sinh = _sinh(2 / t)
        ordered = sinh > 1
        magnetisation = (1 - 1 / sinh**4) ** Decimal("0.125") if ordered else Decimal(0)
        return Exact(_energy(t), magnetisation, slope)


def _energy(t: Decimal) -> Decimal:
    sinh, cosh = _sinh(2 / t), _cosh(2 / t)
    tanh = sinh / cosh
    modulus = 2 * sinh / cosh**2
    integral = _pi() / (2 * _mean(Decimal(1), (1 - modulus**2).sqrt()))
    return -(1 + 2 / _pi() * (2 * tanh**2 - 1) * integral) / tanh


def _mean(a: Decimal, b: Decimal) -> Decimal:
    """The arithmetic-geometric mean."""
    while abs(a - b) > Decimal(10) ** (3 - DIGITS):
        a, b = (a + b) / 2, (a * b).sqrt()
    return a


def _pi() -> Decimal:
    """Gauss and Legendre: pi from the arithmetic-geometric mean of 1 and 1/sqrt(2)."""
    a, b, t, p = Decimal(1), 1 / Decimal(2).sqrt(), Decimal("0.25"), 1
    for _ in range(7):
        a, b, t, p = (a + b) / 2, (a * b).sqrt(), t - p * ((a - b) / 2) ** 2, 2 * p
    return (a + b) ** 2 / (4 * t)


def _sinh(x: Decimal) -> Decimal:
    return (x.exp() - (-x).exp()) / 2


def _cosh(x: Decimal) -> Decimal:
    return (x.exp() + (-x).exp()) / 2
