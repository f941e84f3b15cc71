"""What a catalogue of any size would take follows from the committed measurements, and from nothing else."""

import pytest

from benchmarks.record import result
from benchmarks.scale import Model, sample_rows


@pytest.fixture(scope="module")
def model():
    return Model.measured()


def test_the_committed_plans_follow_from_the_committed_measurements(model):
    committed = result("scale")
    assert model.stages == committed["stages"]
    assert model.alone == committed["alone"]
    for plan in committed["plans"]:
        price = plan["dollars"] / (plan["hours"] * plan["machines"])
        worked_out = model.plan(plan["recordings"], plan["machines"], price)
        # The price was not kept; hours and dollars are rounded to hundredths.
        assert worked_out.pop("dollars") == pytest.approx(plan["dollars"], rel=0.01)
        assert worked_out == {name: value for name, value in plan.items() if name != "dollars"}


def test_a_plan_of_what_was_measured_is_what_was_measured(model):
    largest, cores = sample_rows()[-1], result("dedupe")["machine"]["cores"]
    planned = model.seconds(largest["records"], 1, cores)
    measured = {name: stage["seconds"] for name, stage in largest["stages"].items() if name not in model.alone}
    assert {name: planned[name] for name in measured} == pytest.approx(measured, abs=0.02)
    assert planned["read"] == pytest.approx(largest["parts"]["read"])


def test_more_machines_never_take_longer_and_shorten_nothing_that_one_process_does(model):
    plans = [model.plan(100_000_000, machines, 1.0) for machines in (1, 2, 4, 8, 16, 32)]
    hours = [plan["hours"] for plan in plans]
    assert hours == sorted(hours, reverse=True)
    assert hours[0] > hours[-1]
    assert len({plan["hours_on_one_core"] for plan in plans}) == 1
    assert hours[-1] > plans[-1]["hours_on_one_core"]


def test_a_machine_of_twice_the_cores_is_two_machines_with_the_memory_of_both(model):
    one, two = model.plan(30_000_000, 1, 2.0, cores=32), model.plan(30_000_000, 2, 1.0, cores=16)
    assert (one["hours"], one["dollars"]) == (two["hours"], two["dollars"])
    assert one["memory_of_tasks_gb"] == pytest.approx(2 * two["memory_of_tasks_gb"], abs=0.1)
