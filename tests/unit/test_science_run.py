"""The science workload as a run: plan, estimate, gates, interruption, artifacts."""

import csv
import io
import json
import math
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from attrs import fields
from hypothesis import given
from hypothesis import strategies as st

from toolkit.runtime import catalog
from toolkit.runtime.contract import Artifact, Interrupted, Result
from workloads.batch.science import finite_size, heat, onsager, plot, run, study
from workloads.batch.science.chain import Pace
from workloads.batch.science.findings import find, gates, to_csv
from workloads.batch.science.plan import TEMPERATURES, Cost, Plan, Settings, is_judged
from workloads.batch.science.simulation import Simulation
from workloads.batch.science.workers import Workers

ROOT = Path(__file__).parents[2]
SMALL = Plan(size=48, samples=300, seed=3, temperatures=(1.8, 2.27, 3.0))


class RecordedRun:
    """A Run that keeps what it is given, and asks to stop after a named event."""

    run_id = "science-20261122T020000Z"
    origin = "AWS region eu-central-1"
    scheduled_time = datetime(2026, 11, 22, 2, tzinfo=UTC)
    scratch = Path("unused")

    def __init__(self, stop_after: str | None = None) -> None:
        self.events: list[tuple[str, dict]] = []
        self.files: dict[str, bytes] = {}
        self.rows: dict[str, int | None] = {}
        self._stop_after = stop_after

    def event(self, name, **fields):
        json.dumps(fields, allow_nan=False)
        self.events.append((name, fields))

    def save(self, name, content, *, media_type, rows=None):
        self.files[name], self.rows[name] = content, rows
        return Artifact(name, name, len(content), "", media_type, rows)

    def stopping(self):
        return any(name == self._stop_after for name, _ in self.events)

    def wait(self, seconds):
        return self.stopping()

    def fields(self, name):
        return next(fields for event, fields in self.events if event == name)


@pytest.fixture(scope="module")
def conducted() -> tuple[RecordedRun, Result]:
    recorded = RecordedRun()
    return recorded, study.conduct(SMALL, 1, recorded)


class TestRun:
    def test_small_run_passes_all_its_gates(self, conducted):
        _, result = conducted
        assert [gate.name for gate in result.gates if not gate.passed] == []
        assert {"magnetisation_z", "energy_z", "specific_heat_z"} <= {g.name for g in result.gates}

    def test_the_catalog_names_every_gate(self, conducted):
        names = [gate.name for gate in conducted[1].gates]
        assert sorted(names) == sorted(catalog.load().workload("science").gates)

    def test_results_hold_a_row_for_each_temperature_beside_theory(self, conducted):
        recorded, _ = conducted
        rows = list(csv.DictReader(io.StringIO(recorded.files["results.csv"].decode())))
        assert [float(row["temperature"]) for row in rows] == [1.8, 2.27, 3.0]
        assert recorded.rows["results.csv"] == 3
        assert float(rows[0]["magnetisation"]) == pytest.approx(
            float(rows[0]["magnetisation_theory"]), abs=0.01
        )
        # Judged below the critical temperature; near it and above it, |m| is not.
        assert [row["magnetisation_z"] != "" for row in rows] == [True, False, False]
        assert [row["energy_z"] != "" for row in rows] == [True, False, True]

    def test_estimate_stands_in_the_log_before_any_progress(self, conducted):
        recorded, result = conducted
        names = [name for name, _ in recorded.events]
        assert names.index("estimate.made") < names.index("simulation.progressed")
        estimate = recorded.fields("estimate.made")
        assert estimate["spin_updates"] == 48 * 48 * 300 * 4 * 3
        assert estimate["fits_lambda"] is True
        assert result.metrics["spin_updates"] == estimate["spin_updates"]

    def test_progress_ends_at_a_hundred_percent(self, conducted):
        recorded, _ = conducted
        told = [fields for name, fields in recorded.events if name == "simulation.progressed"]
        assert told[-1]["percent"] == 100
        assert told[-1]["remaining_seconds"] == 0

    def test_every_artifact_and_event_of_the_catalog_is_made(self, conducted):
        recorded, result = conducted
        workload = catalog.load().workload("science")
        assert set(recorded.files) == {artifact.name for artifact in workload.artifacts}
        for artifact in workload.artifacts:
            assert len(recorded.files[artifact.name]) >= artifact.min_bytes
        # The runtime logs the first and the last one.
        assert {name for name, _ in recorded.events} == {*workload.events[1:-1], "lattice.measured"}
        assert json.loads(recorded.files["metrics.json"]) == result.metrics

    def test_two_processes_give_the_same_results_as_one(self, conducted):
        alone, _ = conducted
        cost = Cost(1.0, 1, 2.0, samples_per_second=150.0, updates_per_second=1.0)
        together = Simulation(SMALL, RecordedRun(), cost)
        with Workers(2) as pair:
            together.simulate(pair)
        assert to_csv(together.findings) == alone.files["results.csv"]

    def test_another_seed_gives_other_results(self, conducted):
        other = next(Plan(48, 300, 4, SMALL.temperatures).chains())
        recorded, _ = conducted
        found = find(SMALL, 1.8, other.advance(300))
        assert to_csv([found]).splitlines()[1] not in recorded.files["results.csv"]

    def test_interrupted_run_saves_what_it_has(self):
        recorded = RecordedRun(stop_after="temperature.measured")
        with pytest.raises(Interrupted) as interrupted:
            study.conduct(SMALL, 2, recorded)
        assert set(recorded.files) == {"results.csv", "metrics.json", "science.png", "lattices.png"}
        measured = recorded.rows["results.csv"]
        assert interrupted.value.result.metrics["temperatures_measured"] == measured
        assert measured >= 1
        assert interrupted.value.result.gates == ()

    def test_run_that_is_stopped_at_once_still_ends_in_order(self):
        recorded = RecordedRun(stop_after="estimate.made")
        settings = {"science_scale": 1.0, "seed": 1, "science_processes": 1}
        with pytest.raises(Interrupted):
            run(settings, recorded)
        assert recorded.rows["results.csv"] == 0


class TestGates:
    def test_a_wrong_coupling_fails_them(self):
        plan = Plan(size=64, samples=300, seed=5, temperatures=(2.0,), coupling=1.03)
        finding = find(plan, 2.0, next(plan.chains()).advance(300))
        failed = {gate.name for gate in gates([finding]) if not gate.passed}
        assert {"magnetisation_z", "energy_z"} <= failed

    def test_errors_too_wide_to_tell_anything_fail_them(self):
        plan = Plan(size=16, samples=90, seed=5, temperatures=(2.4,))
        finding = find(plan, 2.4, next(plan.chains()).advance(90))
        assert "energy_error" in {gate.name for gate in gates([finding]) if not gate.passed}

    def test_nothing_judged_passes_nothing(self):
        plan = Plan(size=16, samples=90, seed=5, temperatures=(2.27,))
        finding = find(plan, 2.27, next(plan.chains()).advance(90))
        failed = {gate.name for gate in gates([finding]) if not gate.passed}
        assert {"magnetisation_z", "energy_z", "specific_heat_z"} <= failed

    def test_a_temperature_that_is_not_resolved_has_no_errors_and_is_not_judged(self):
        plan = Plan(size=64, samples=300, seed=5, temperatures=(2.27, 2.4))
        for chain in plan.chains():
            found = find(plan, chain.temperature, chain.advance(300))
            assert not found.resolved
            for name in ("magnetisation", "energy", "specific_heat"):
                assert np.isfinite(found.comparison(name).measured.value)
                assert np.isnan(found.comparison(name).measured.error)
                assert not found.comparison(name).judged
            row = next(csv.DictReader(io.StringIO(to_csv([found]).decode())))
            assert row["resolved"] == "0"
            assert {row[f"{name}_error"] for name in ("energy", "binder", "susceptibility")} == {""}
        failed = {gate.name for gate in gates([found]) if not gate.passed}
        assert "resolved_share" in failed

    def test_the_binder_cumulant_and_the_susceptibility_have_their_limits(self):
        plan = Plan(size=64, samples=600, seed=5, temperatures=(1.5, 3.5))
        cold, hot = (find(plan, c.temperature, c.advance(600)) for c in plan.chains())
        assert cold.binder.value == pytest.approx(2 / 3, abs=1e-4)  # one value of |m|
        assert hot.binder.value == pytest.approx(0, abs=5 * hot.binder.error)  # m is normal
        # Series of the high-temperature susceptibility: Nickel & Rehr (1990).
        v = math.tanh(1 / 3.5)
        orders = (1, 4, 12, 36, 100, 276, 740, 1972, 5172, 13492, 34876)
        series = sum(count * v**order for order, count in enumerate(orders)) / 3.5
        # <|m|>^2 is 2/pi of <m^2> where m is normal.
        assert hot.susceptibility.error < 0.1
        assert hot.susceptibility.value == pytest.approx(
            series * (1 - 2 / math.pi), abs=4 * hot.susceptibility.error
        )

    def test_too_few_samples_are_no_finding(self):
        assert find(SMALL, 1.8, next(SMALL.chains()).advance(100)) is None


@pytest.fixture(scope="module")
def small() -> list[finite_size.Small]:
    plan = Plan(size=48, samples=600, seed=3, temperatures=(2.0,))
    return [
        finite_size.find(plan, chain.lattice.size, chain.advance(chain.wanted))
        for chain in finite_size.chains(plan)
    ]


class TestFiniteSize:
    def test_small_lattices_at_the_critical_point_have_the_numbers_of_theory(self, small):
        assert all(lattice.resolved for lattice in small)
        assert [gate.name for gate in finite_size.gates(small) if not gate.passed] == []
        assert finite_size.exponent(small).error < 0.05
        for lattice in small:
            assert lattice.binder.error < 0.02
            # The amplitude of the susceptibility: Salas & Sokal, J. Stat. Phys. 98 (2000) 551.
            scaled = lattice.square.value * lattice.size**0.25
            error = lattice.square.error * lattice.size**0.25
            assert abs(scaled - 1.0921) < 5 * error

    def test_larger_lattices_are_slower(self, small):
        assert small[1].autocorrelation > 2 * small[0].autocorrelation

    @pytest.mark.parametrize("coupling", [0.9, 1.1])
    def test_another_temperature_fails(self, coupling):
        plan = Plan(size=48, samples=100, seed=3, temperatures=(2.0,), coupling=coupling)
        small = [
            finite_size.find(plan, chain.lattice.size, chain.advance(chain.wanted))
            for chain in finite_size.chains(plan)
        ]
        assert "binder_z" in {gate.name for gate in finite_size.gates(small) if not gate.passed}

    def test_what_is_not_resolved_passes_nothing(self):
        plan = Plan(size=48, samples=20, seed=3, temperatures=(2.0,))
        chain = finite_size.chains(plan)[1]
        found = [finite_size.find(plan, 32, chain.advance(80))]
        assert [gate.passed for gate in finite_size.gates(found)] == [False, False]
        assert np.isnan(finite_size.exponent(found).value)
        assert finite_size.metrics(found)["finite_size"][0]["binder_error"] is None


class TestPlan:
    @given(st.floats(0.01, 1000))
    def test_work_grows_in_proportion_to_the_scale(self, scale):
        once, twice = Plan.scaled(scale, 1), Plan.scaled(2 * scale, 1)
        # A side is a multiple of 16: at the least scale, of 112, that is 14 percent of a side.
        assert twice.updates / once.updates == pytest.approx(2, rel=0.35)
        assert once.size % 16 == 0

    def test_scale_one_is_a_lattice_of_512_for_20_000_sweeps(self):
        plan = Plan.scaled(1, 1944)
        assert (plan.size, plan.sweeps) == (512, 20_000)

    def test_estimate_counts_rounds_of_processes(self):
        pace = Pace(samples_per_second=100, cpu_share=0.5, peak_memory=50 * 2**20)
        plan = Plan(size=512, samples=5000, seed=1)  # 50 s for each of 16 temperatures
        one, five, sixteen = (Cost.of(plan, [pace] * n, 60 * 2**20) for n in (1, 5, 16))
        assert one.seconds == pytest.approx(16 * 50, abs=10)
        assert five.seconds == pytest.approx(4 * 50, abs=10)
        assert sixteen.seconds == pytest.approx(50, abs=10)
        assert sixteen.cores == 8
        assert sixteen.memory - five.memory == 11 * 50 * 2**20

    def test_more_than_fifteen_minutes_or_ten_gigabytes_do_not_fit_lambda(self):
        pace = Pace(samples_per_second=100, cpu_share=1, peak_memory=50 * 2**20)
        assert Cost.of(Plan(512, 5_000, 1), [pace], 0).fits_lambda
        assert not Cost.of(Plan(512, 6_000, 1), [pace], 0).fits_lambda
        large = Pace(samples_per_second=100, cpu_share=1, peak_memory=6 * 2**30)
        assert not Cost.of(Plan(512, 5_000, 1), [large] * 2, 0).fits_lambda

    def test_settings_are_the_variables_of_the_catalog(self):
        workload = catalog.load().workload("science")
        assert [field.name for field in fields(Settings)] == list(workload.settings({}))
        assert Settings(**workload.settings({})) == Settings(1.0, 1944, 0)

    def test_the_shipped_scale_is_more_than_a_lambda_may_take(self):
        config = tomllib.loads((ROOT / "toolkit.toml").read_text("utf-8"))
        scale = config["default"]["env"]["science"]["SCIENCE_SCALE"]
        # On four cores twice as fast as any seen so far it still takes more than a Lambda may.
        plan = Plan.scaled(float(scale), 1)
        assert plan.updates / (4 * 2e9) > 900


class TestPlot:
    def test_pictures_are_drawn(self, conducted):
        recorded, _ = conducted
        for name in ("science.png", "lattices.png"):
            pixels = decode(recorded.files[name])
            assert min(pixels.shape[:2]) > 400
            assert pixels.std() > 0.05

    def test_lattices_are_shown_spin_by_spin(self):
        lattice = np.zeros((48, 48), dtype=bool)
        lattice[:, :12] = True
        pixels = decode(plot.snapshots(SMALL, {2.27: lattice}))
        dark = (pixels[:, :, :3] < 0.35).all(axis=2)
        # A quarter of a panel of 480 pixels, but for the frame; text adds little.
        assert dark.sum() == pytest.approx(480 * 120, rel=0.1)

    def test_points_of_measurement_show_in_the_comparison(self, conducted):
        recorded, _ = conducted
        bare = decode(plot.comparison(SMALL, [], [], heat.converge((8, 16))))
        drawn = decode(recorded.files["science.png"])
        assert bare.shape == drawn.shape
        for colour in ((0x2F, 0x5D, 0x8A), (0xB5, 0x53, 0x2A), (0x4C, 0x80, 0x55)):
            points = [
                (np.abs(pixels[:, :, :3] * 255 - colour).max(axis=2) < 2).sum()
                for pixels in (bare, drawn)
            ]
            assert points[1] > points[0] + 100


def decode(content: bytes) -> np.ndarray:
    from matplotlib.image import imread

    return imread(io.BytesIO(content), format="png")


def test_judged_temperatures_lie_on_both_sides_of_the_critical_one():
    judged = [temperature for temperature in TEMPERATURES if is_judged(temperature)]
    below = [t for t in judged if t < onsager.CRITICAL_TEMPERATURE]
    assert min(len(below), len(judged) - len(below)) >= 5
