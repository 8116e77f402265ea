import numpy as np
import pytest

from alpr_app.train.trainer.optimisation import Constant, Plateau, make_schedule
from alpr_app.train.trainer.options import RunOptions


def options(**changes) -> RunOptions:
    values = {"samples": 16_000, "batch_size": 16, "start_lr": 1.0, "min_lr": 0.1, "warmup": 0.001}
    return RunOptions(output="nowhere", **{**values, "plateau_thr": 100, "schedule": "plateau", **changes})


def test_a_loss_that_falls_keeps_its_rate():
    schedule = Plateau(options())
    for step in range(1000):
        schedule.observe(2.0 - step / 1000)
    assert schedule.rate(1000) == 1.0 and not schedule.finished


def test_a_loss_that_stays_halves_the_rate_until_the_lowest_and_then_ends():
    schedule = Plateau(options())
    rates = []
    for step in range(700):
        schedule.observe(1.0)
        rates.append(schedule.rate(step))
        if schedule.finished:
            break
    assert rates[99] == 1.0 and rates[199] == 0.5 and rates[299] == 0.25 and rates[399] == 0.125
    assert min(rates) == 0.1
    assert schedule.finished and 500 <= len(rates) <= 600


def test_noise_is_not_taken_for_a_decrease():
    rng = np.random.default_rng(0)
    halved = 0
    for _ in range(50):
        schedule = Plateau(options())
        for loss in rng.normal(1.0, 0.3, 200):
            schedule.observe(float(loss))
        halved += schedule.factor < 1
    assert halved >= 45


def test_a_decrease_is_seen_through_noise():
    rng = np.random.default_rng(1)
    schedule = Plateau(options())
    for step in range(500):
        schedule.observe(2.0 - step / 400 + float(rng.normal(0, 0.3)))
    assert schedule.factor == 1.0


def test_the_options_name_the_schedule():
    assert isinstance(make_schedule(options()), Plateau)
    constant = make_schedule(options(schedule="free", warmup=0.1))
    assert isinstance(constant, Constant)
    assert constant.rate(49) == pytest.approx(0.5) and constant.rate(999) == 1.0
    with pytest.raises(ValueError, match="--schedule must be one of"):
        options(schedule="stairs")
