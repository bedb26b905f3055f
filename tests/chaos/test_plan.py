"""The fault plan: the same seed gives the same plan, and every kind of fault comes."""

from __future__ import annotations

from tests.chaos import plan, runs


def drawn(seed: int) -> list[plan.Fault]:
    return plan.draw_plan(seed, seconds=600, every=2.0, kinds=plan.MIXED)


def test_the_same_seed_is_the_same_plan_and_another_one_is_another() -> None:
    assert drawn(7) == drawn(7)
    assert drawn(7) != drawn(8)


def test_a_long_mixed_run_has_every_kind_of_fault() -> None:
    assert {fault.kind for fault in drawn(7)} == set(plan.MIXED)


def test_a_plan_ends_with_its_time_or_its_number_and_is_in_order() -> None:
    faults = drawn(7)
    assert faults == sorted(faults, key=lambda fault: fault.at)
    assert faults[-1].at < 600
    assert len(plan.draw_plan(7, seconds=600, every=2.0, kinds=plan.MIXED, most=5)) == 5


def test_an_undisturbed_run_has_no_faults() -> None:
    assert plan.draw_plan(7, seconds=60, every=1.0, kinds={}) == []


def test_every_part_that_can_be_taken_out_has_a_fitting_plan() -> None:
    from tests.chaos import mutants

    assert set(runs.FITTING) == set(mutants.NAMES)


def test_a_frozen_provider_thaws_before_an_order_is_read_back() -> None:
    """The portal cannot find an order that is applied after the settle time, here as in production."""
    from tests.chaos.worker import PATIENCE

    every = [run for run in vars(runs).values() if isinstance(run, runs.Run)]
    frozen = [run for run in every if plan.PROVIDER_FROZEN in run.kinds]
    assert frozen
    for run in frozen:
        assert PATIENCE + run.setting["settle"] > plan.LENGTHS[plan.PROVIDER_FROZEN][1] * run.longer + 2


def test_a_provider_that_is_killed_keeps_its_state() -> None:
    every = [run for run in vars(runs).values() if isinstance(run, runs.Run)]
    killed = [run for run in every if plan.PROVIDER_KILLED in run.kinds]
    assert killed
    assert all(run.setting["keeps"] for run in killed)


def test_a_frozen_worker_is_frozen_for_longer_than_its_lease() -> None:
    assert plan.LENGTHS[plan.WORKER_FROZEN][0] > 6.0
