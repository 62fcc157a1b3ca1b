"""Mutated bodies, recordings and requests, before every reader of them. `bench/fuzz_decoders.py` does it for longer."""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fuzz_targets import TARGETS, mutated, seeds

every_family = pytest.mark.parametrize("family", TARGETS)


@every_family
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(place=st.integers(0, 10_000), seed=st.integers(0, 2**32))
def test_a_mutated_input_is_read_or_refused_and_reads_the_same_for_any_cut(family: str, place: int, seed: int) -> None:
    known = seeds(family)
    TARGETS[family](mutated(known[place % len(known)], family, random.Random(seed)))


@every_family
@settings(max_examples=80, deadline=None)
@given(data=st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(family: str, data: bytes) -> None:
    TARGETS[family](data)


@every_family
def test_there_are_real_inputs_to_begin_with(family: str) -> None:
    assert len(seeds(family)) >= 5
