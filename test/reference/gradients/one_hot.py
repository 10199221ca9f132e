"""OneHot: the gradient of its two values."""
import torch

from case import Constant, case, generator, ints, rand, write


def one_hot(depth, axis):
    def function(indices, _, values):
        # Indices may count from the end; what lies outside of the depth is off everywhere.
        own = torch.where(indices < 0, indices + depth, indices)
        on = (own[..., None] == torch.arange(depth)).movedim(-1, axis)
        return torch.where(on, values[1], values[0])
    return function


def make():
    generator.manual_seed(19)
    for opset in (9, 11, 21):
        for axis in (-1, 0, 1):
            indices = ints(0, 3, 1, 1, 2, 0, dims=(2, 3)) if opset == 9 else ints(0, -1, 1, 7, 2, 0, dims=(2, 3))
            case('OneHot', one_hot(4, axis), [indices, Constant(ints(4, dims=())), rand(2)], {'axis': axis}, opset=opset)
    write('one-hot')
