"""Quantisers and products of integers, straight through: rounding has the gradient of the identity, and what is clipped has none."""
from case import write


def make():
    write('quantised')
