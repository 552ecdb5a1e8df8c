"""Onsager's exact solution of the infinite two-dimensional Ising model without a field.

Energies are in units of the coupling J, temperatures in J/k. The energy and the specific heat are
L. Onsager, Phys. Rev. 65 (1944) 117; the magnetisation is C. N. Yang, Phys. Rev. 85 (1952) 808.
"""

import math

CRITICAL_TEMPERATURE = 2 / math.log(1 + math.sqrt(2))


def magnetisation(temperature: float) -> float:
    """Spontaneous magnetisation per spin: 1 at zero temperature, 0 from the critical one on.

    >>> round(magnetisation(2.0), 6), magnetisation(2.5)
    (0.911319, 0.0)
    """
    if temperature >= CRITICAL_TEMPERATURE:
        return 0.0
    # sinh overflows below T = 0.003; the magnetisation is 1 to all digits long before.
    return float((1 - math.sinh(2 / max(temperature, 0.1)) ** -4) ** 0.125)


def energy(temperature: float) -> float:
    """Energy per spin: -2 in the ground state, -sqrt(2) at the critical temperature.

    >>> round(energy(2.0), 6)
    -1.745565
    """
    tanh = math.tanh(2 / temperature)
    signed_modulus = 2 * tanh**2 - 1
    first, _ = _elliptic(abs(signed_modulus))
    return -(1 + 2 / math.pi * signed_modulus * first) / tanh


def specific_heat(temperature: float) -> float:
    """Specific heat per spin, the derivative of the energy: diverges as -ln|T - Tc|.

    >>> round(specific_heat(2.0), 6)
    0.724871
    """
    tanh = math.tanh(2 / temperature)
    signed_modulus = 2 * tanh**2 - 1
    first, second = _elliptic(abs(signed_modulus))
    rest = (1 - tanh**2) * (math.pi / 2 + signed_modulus * first)
    return 4 / math.pi / (temperature * tanh) ** 2 * (first - second - rest)


def _elliptic(complement: float) -> tuple[float, float]:
    """Complete elliptic integrals K and E for the complementary modulus k' in (0, 1].

    By the arithmetic-geometric mean (DLMF 19.8), which doubles its digits at every step.
    """
    # Zero, where K diverges, is met only if rounding lands on the critical point itself: there
    # every formula above multiplies K by k', and the limit of the product is zero.
    a, b = 1.0, max(complement, 1e-300)
    deficit, weight = (1 - b * b) / 2, 0.5
    while a - b > 1e-15 * a:
        a, b, c = (a + b) / 2, math.sqrt(a * b), (a - b) / 2
        weight *= 2
        deficit += weight * c * c
    first = math.pi / (2 * a)
    return first, first * (1 - deficit)
