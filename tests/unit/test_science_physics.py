"""The numbers of the science workload: theory, lattice, errors and the heat equation."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit import decimal_onsager
from workloads.batch.science import bootstrap, heat, onsager
from workloads.batch.science.chain import Chain
from workloads.batch.science.lattice import Lattice, Metropolis


def free_energy(coupling: float) -> float:
    """Minus f/kT by Onsager's double integral; the midpoint rule is exact for smooth periods."""
    angles = (np.arange(400) + 0.5) * 2 * np.pi / 400
    cosines = np.add.outer(np.cos(angles), np.cos(angles))
    inside = math.cosh(2 * coupling) ** 2 - math.sinh(2 * coupling) * cosines
    return float(math.log(2) + np.log(inside).mean() / 2)


class TestOnsager:
    def test_critical_point_has_the_known_energy_and_temperature(self):
        assert pytest.approx(2.269185314213022) == onsager.CRITICAL_TEMPERATURE
        assert onsager.energy(onsager.CRITICAL_TEMPERATURE) == pytest.approx(-math.sqrt(2))

    @pytest.mark.parametrize("temperature", [1.5, 2.0, 2.15, 2.4, 3.0, 5.0])
    def test_energy_is_the_derivative_of_the_free_energy(self, temperature):
        step = 1e-5
        above, below = free_energy(1 / temperature + step), free_energy(1 / temperature - step)
        assert onsager.energy(temperature) == pytest.approx(-(above - below) / (2 * step), abs=1e-8)

    @given(st.floats(0.4, 20).filter(lambda t: abs(t - onsager.CRITICAL_TEMPERATURE) > 0.01))
    def test_specific_heat_is_the_derivative_of_the_energy(self, temperature):
        step = 1e-5
        slope = onsager.energy(temperature + step) - onsager.energy(temperature - step)
        assert onsager.specific_heat(temperature) == pytest.approx(slope / (2 * step), abs=1e-6)

    def test_ground_state_and_high_temperatures_are_reached(self):
        assert onsager.magnetisation(0.01) == 1
        assert onsager.magnetisation(0.5) == pytest.approx(1, abs=1e-6)
        assert onsager.energy(0.1) == pytest.approx(-2)
        assert onsager.energy(1000) == pytest.approx(-2 * math.tanh(1 / 1000), rel=1e-5)
        assert onsager.magnetisation(2.3) == 0

    @pytest.mark.parametrize(
        "temperature", ["0.6", "1.4", "2", "2.15", "2.269", "2.27", "2.4", "9"]
    )
    def test_it_agrees_with_arithmetic_of_thirty_digits(self, temperature):
        exact = decimal_onsager.at(temperature)
        found = float(temperature)
        assert onsager.energy(found) == pytest.approx(float(exact.energy), rel=1e-13)
        assert onsager.magnetisation(found) == pytest.approx(float(exact.magnetisation), rel=1e-11)
        assert onsager.specific_heat(found) == pytest.approx(float(exact.specific_heat), rel=1e-9)

    def test_magnetisation_agrees_with_published_values(self):
        assert onsager.magnetisation(2.0) == pytest.approx(0.911319, abs=1e-6)
        assert onsager.magnetisation(1.5) == pytest.approx(0.986500, abs=1e-6)


def random_spins(size: int, seed: int = 7) -> np.ndarray:
    return np.random.default_rng(seed).random((size, size)) < 0.7


def always_or_never(four: bool, eight: bool) -> Metropolis:
    # Fifty hits for a spin leave none out, with a probability of e^-50 for each.
    return Metropolis(((False, False),) * 8, (50.0 * four, 50.0 * eight))


def plain_sweep(spins: np.ndarray, four: bool, eight: bool) -> np.ndarray:
    """The same sweep as a textbook writes it."""
    signs = np.where(spins, 1, -1)
    rows, columns = np.indices(signs.shape)
    for colour in (0, 1):
        fields = sum(np.roll(signs, shift, axis) for shift in (1, -1) for axis in (0, 1))
        cost = 2 * signs * fields
        flips = (cost <= 0) | ((cost == 4) & four) | ((cost == 8) & eight)
        signs[flips & ((rows + columns) % 2 == colour)] *= -1
    return signs > 0


class TestLattice:
    @pytest.mark.parametrize("size", [16, 48, 64])
    def test_packing_loses_no_spin(self, size):
        spins = random_spins(size)
        assert (Lattice.pack(spins).unpack() == spins).all()

    @pytest.mark.parametrize("shape", [(8, 8), (24, 24), (16, 32)])
    def test_a_size_that_does_not_fit_is_refused(self, shape):
        with pytest.raises(ValueError, match="16n"):
            Lattice.pack(np.ones(shape, dtype=bool))

    @pytest.mark.parametrize("four", [False, True])
    @pytest.mark.parametrize("eight", [False, True])
    @pytest.mark.parametrize(("size", "strip"), [(16, 2**15), (80, 2**15), (80, 160)])
    # 160 bytes: three strips for ten rows
    def test_sweep_flips_what_a_textbook_sweep_flips(self, size, strip, four, eight):
        spins = random_spins(size)
        packed, random = Lattice.pack(spins), np.random.Generator(np.random.SFC64(1))
        for _ in range(3):
            packed.sweep(always_or_never(four, eight), random, strip)
            spins = plain_sweep(spins, four, eight)
            assert (packed.unpack() == spins).all()

    @pytest.mark.parametrize("size", [16, 80])
    def test_measures_magnetisation_and_energy(self, size):
        spins = random_spins(size)
        signs = np.where(spins, 1.0, -1.0)
        bonds = signs * np.roll(signs, 1, 0) + signs * np.roll(signs, 1, 1)
        assert Lattice.pack(spins).measure() == pytest.approx((signs.mean(), -bonds.mean()))

    def test_ordered_lattice_is_the_ground_state(self):
        assert Lattice.ordered(32).measure() == (1.0, -2.0)


class TestMetropolis:
    @given(st.floats(0.5, 20), st.floats(0.5, 1.5))
    def test_digits_and_hits_make_up_the_exact_probability(self, temperature, coupling):
        moves = Metropolis.at(temperature, coupling)
        for which, cost in enumerate((4, 8)):
            drawn = sum(pair[which] << place for place, pair in enumerate(moves.digits)) / 256
            missed = (1 - drawn) * math.exp(-moves.hits[which])
            assert 1 - missed == pytest.approx(math.exp(-cost * coupling / temperature), abs=1e-14)

    def test_every_bit_of_the_masks_has_that_probability(self):
        random = np.random.Generator(np.random.SFC64(2))
        masks = Metropolis.at(2.269).draw(random, 2**16)
        for mask, cost in zip(masks, (4, 8), strict=True):
            bits = np.unpackbits(mask).reshape(-1, 8)
            probability = math.exp(-cost / 2.269)
            deviation = math.sqrt(probability * (1 - probability) / len(bits))
            assert np.abs(bits.mean(axis=0) - probability).max() < 4.5 * deviation

    def test_neighbouring_bits_are_independent(self):
        random = np.random.Generator(np.random.SFC64(3))
        mask, _ = Metropolis.at(2.269).draw(random, 2**16)
        bits = np.unpackbits(mask).astype(float)
        for distance in (1, 8, 64):
            correlation = np.corrcoef(bits[distance:], bits[:-distance])[0, 1]
            assert abs(correlation) < 5 / math.sqrt(len(bits))


def z_of_a_small_lattice(temperature: float, coupling: float = 1.0) -> dict[str, float]:
    seed = np.random.SeedSequence(11)
    chain = Chain.start(temperature, 64, 700, seed, coupling)
    samples = chain.advance(700)[60:]
    random = np.random.default_rng(1)
    magnetisation = bootstrap.estimate(np.abs(samples), lambda mean: mean[..., 0], random)
    energy = bootstrap.estimate(samples, lambda mean: mean[..., 1], random)
    return {
        "magnetisation": magnetisation.z(onsager.magnetisation(temperature)),
        "energy": energy.z(onsager.energy(temperature)),
    }


class TestChain:
    def test_small_lattice_agrees_with_onsager_below_the_critical_temperature(self):
        z = z_of_a_small_lattice(2.0)
        assert abs(z["magnetisation"]) < 5
        assert abs(z["energy"]) < 5

    def test_small_lattice_agrees_with_onsager_above_the_critical_temperature(self):
        assert abs(z_of_a_small_lattice(3.0)["energy"]) < 5

    def test_a_coupling_two_percent_off_is_found_out(self):
        z = z_of_a_small_lattice(2.0, coupling=1.02)
        assert z["magnetisation"] > 5
        assert z["energy"] < -5

    def test_samples_do_not_depend_on_how_many_are_taken_at_a_time(self):
        whole, parts = (Chain.start(2.1, 32, 50, np.random.SeedSequence(4)) for _ in range(2))
        expected = whole.advance(50)
        taken = np.concatenate([parts.advance(17) for _ in range(4)])
        assert (taken == expected).all()
        assert parts.finished


def autoregressive(count: int, memory: float, random: np.random.Generator) -> np.ndarray:
    """Rows of AR(1) series of unit variance, all of them in their stationary state."""
    series = np.empty((count, 4096))
    series[:, 0] = random.standard_normal(count)
    steps = random.standard_normal(series.shape) * math.sqrt(1 - memory**2)
    for step in range(1, series.shape[1]):
        series[:, step] = memory * series[:, step - 1] + steps[:, step]
    return series


class TestResolution:
    @pytest.mark.parametrize("memory", [0.0, 0.8, 0.97, 0.99, 0.995, 0.9999])
    def test_an_error_is_right_or_there_is_none(self, memory):
        random = np.random.default_rng(9)
        resolved, errors = 0, []
        for series in autoregressive(60, memory, random):
            blocks = bootstrap.blocks_for(len(series), bootstrap.autocorrelation_time(series))
            found = bootstrap.estimate(
                series[:, np.newaxis], lambda mean: mean[..., 0], random, blocks=blocks
            )
            assert math.isfinite(found.error) == (blocks is not None)
            resolved += blocks is not None
            errors += [found.error] * (blocks is not None)
        time = (1 + memory) / (1 - memory) / 2
        length = 4096 / time  # in autocorrelation times; 128 are asked for
        assert resolved > 50 if length > 256 else resolved < 25
        if length < 50:
            assert resolved <= 1
        if resolved > 25:
            expected = math.sqrt(2 * time / 4096)
            assert np.mean(errors) == pytest.approx(expected, rel=0.15)

    def test_the_old_error_of_such_a_series_was_a_fraction(self):
        # Why: 32 blocks whatever the autocorrelation time gave less than half of the error.
        random = np.random.default_rng(10)
        old = [
            bootstrap.estimate(series[:, np.newaxis], lambda mean: mean[..., 0], random).error
            for series in autoregressive(60, 0.995, random)
        ]
        assert np.mean(old) < 0.7 * math.sqrt((1 + 0.995) / (1 - 0.995) / 4096)

    @pytest.mark.parametrize("series", [np.ones(500), np.zeros(64)])
    def test_a_series_that_never_changes_has_independent_samples(self, series):
        assert bootstrap.autocorrelation_time(series) == 0.5

    def test_blocks_are_as_many_as_are_long_enough(self):
        assert bootstrap.blocks_for(32 * 40, 0.5) == 32
        # 5 (1 + sqrt(2 * 61 / 1000)) = 6.75 samples at the most; 54 to a block.
        assert bootstrap.blocks_for(1000, 5.0) == 18
        assert bootstrap.blocks_for(800, 5.0) is None


class TestBootstrap:
    @pytest.mark.parametrize("memory", [0.0, 0.5, 0.9])
    def test_error_of_correlated_samples_is_the_known_one(self, memory):
        random = np.random.default_rng(5)
        many = autoregressive(60, memory, random)
        errors = [
            bootstrap.estimate(series[:, np.newaxis], lambda mean: mean[..., 0], random).error
            for series in many
        ]
        expected = math.sqrt((1 + memory) / (1 - memory) / many.shape[1])
        # Blocks of 128 lose 2 tau / 128 of the variance, and sixty errors scatter by 2 percent.
        assert np.mean(errors) == pytest.approx(expected, rel=0.12)

    def test_autocorrelation_time_is_the_known_one(self):
        many = autoregressive(60, 0.8, np.random.default_rng(6))
        times = [bootstrap.autocorrelation_time(series) for series in many]
        assert np.mean(times) == pytest.approx((1 + 0.8) / (1 - 0.8) / 2, rel=0.15)

    def test_value_is_the_statistic_of_the_means(self):
        columns = np.random.default_rng(7).random((640, 2))
        found = bootstrap.estimate(
            columns, lambda mean: mean[..., 0] * mean[..., 1], np.random.default_rng(8)
        )
        assert found.value == pytest.approx(columns[:, 0].mean() * columns[:, 1].mean())
        assert found.error > 0

    def test_too_few_samples_are_refused(self):
        with pytest.raises(ValueError, match="do not fill"):
            bootstrap.estimate(np.ones((31, 1)), lambda m: m[..., 0], np.random.default_rng(0))

    def test_a_value_without_an_error_has_no_z(self):
        assert math.isnan(bootstrap.Estimate(1.0, 0.0).z(1.0))


class TestHeat:
    def test_error_falls_with_the_square_of_the_spacing(self):
        convergence = heat.converge((16, 32, 64))
        assert convergence.orders == pytest.approx((2, 2), abs=0.02)

    def test_a_time_step_in_proportion_to_the_spacing_is_unstable(self):
        # The check must be able to fail: beyond 1/4 the scheme blows up.
        with np.errstate(over="ignore", invalid="ignore"):
            errors = heat.converge((16, 32), ratio=0.3).errors
        assert not max(errors) < 1
