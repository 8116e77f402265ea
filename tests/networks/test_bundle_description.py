from __future__ import annotations

import json
from dataclasses import asdict, dataclass

import pytest

from alpr_app.networks.bundle_description import config_from_dict
from alpr_app.networks.detector.config import DetectorConfig
from alpr_app.networks.reader.config import ReaderConfig


@dataclass(frozen=True)
class Config:
    width: int = 3
    rate: float = 0.5
    name: str = "a"
    sides: tuple[int, ...] = (1, 2)


@pytest.mark.parametrize("config", [DetectorConfig(long_side=64), ReaderConfig(alphabet="皖A1"), Config()])
def test_json_and_back_gives_the_same_config(config):
    assert config_from_dict(type(config), json.loads(json.dumps(asdict(config)))) == config


def test_a_whole_number_passes_for_a_float():
    assert config_from_dict(Config, asdict(Config()) | {"rate": 1, "sides": []}).rate == 1.0


@pytest.mark.parametrize("wrong", [{"width": 1.5}, {"name": 4}, {"sides": ["1"]}, {"rate": "0.5"}, {"width": None}])
def test_another_type_is_refused_by_name(wrong):
    values = asdict(Config()) | {"sides": [1]} | wrong
    with pytest.raises(ValueError, match=f"'{next(iter(wrong))}' must be a"):
        config_from_dict(Config, values)
