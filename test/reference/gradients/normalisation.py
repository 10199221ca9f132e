"""Softmaxes and normalisations."""
import torch
import torch.nn.functional as F

from case import Constant, case, rand, write


def make():
    for axis in (-1, 1, 0):
        case('Softmax', lambda x: x.softmax(axis), [rand(2, 3, 4)], {'axis': axis}, opset=13)
        case('LogSoftmax', lambda x: x.log_softmax(axis), [rand(2, 3, 4)], {'axis': axis}, opset=13)
    case('Softmax', lambda x: x.flatten(1).softmax(1).reshape(2, 3, 4), [rand(2, 3, 4)], opset=11)
    case('LogSoftmax', lambda x: x.flatten(1).log_softmax(1).reshape(2, 3, 4), [rand(2, 3, 4)], {'axis': 1}, opset=11)
    case('LayerNormalization', lambda x, s, b: F.layer_norm(x, (4,), s, b), [rand(2, 3, 4), rand(4), rand(4)], opset=17)
    case('LayerNormalization', lambda x, s: F.layer_norm(x, (3, 4), s.expand(3, 4), eps=0.01), [rand(2, 3, 4), rand(3, 4)], {'axis': 1, 'epsilon': 0.01}, opset=17)
    case('LayerNormalization', lambda x, s, b: F.layer_norm(x, (4,), s, b), [rand(2, 3, 4), Constant(rand(4)), Constant(rand(4))], opset=17)
    rms = lambda x, s: x / (x.square().mean(-1, keepdim=True) + 1e-5).sqrt() * s
    case('SimplifiedLayerNormalization', rms, [rand(2, 3, 4), rand(4)], opset=17)
    case('RMSNormalization', rms, [rand(2, 3, 4), rand(4)], opset=23)

    def batch(x, s, b, m, v, eps=1e-5):
        c = (-1,) + (1,) * (x.ndim - 2)
        return (x - m.reshape(c)) / (v.reshape(c) + eps).sqrt() * s.reshape(c) + b.reshape(c)
    for dims in ((2, 3), (2, 3, 2), (1, 3, 2, 2)):
        case('BatchNormalization', batch, [rand(*dims), rand(3), rand(3), rand(3), rand(3, low=0.3)], opset=15)
        case('BatchNormalization', lambda *all: batch(*all, eps=0.1), [rand(*dims), *map(Constant, (rand(3), rand(3), rand(3), rand(3, low=0.3)))],
             {'epsilon': 0.1}, opset=11)
    for dims in ((2, 3, 4), (1, 2, 3, 3)):
        case('InstanceNormalization', lambda x, s, b: F.instance_norm(x, weight=s, bias=b, eps=1e-5), [rand(*dims), rand(dims[1]), rand(dims[1])], opset=13)
        case('InstanceNormalization', lambda x, s, b: F.instance_norm(x, weight=s, bias=b, eps=0.1), [rand(*dims), Constant(rand(dims[1])), Constant(rand(dims[1]))], {'epsilon': 0.1}, opset=11)
    case('GroupNormalization', lambda x, s, b: F.group_norm(x, 2, s, b), [rand(2, 4, 3), rand(4), rand(4)], {'num_groups': 2}, opset=21)
    case('GroupNormalization', lambda x, s, b: F.group_norm(x, 2, s, b), [rand(1, 4, 2, 2), Constant(rand(4)), Constant(rand(4))], {'num_groups': 2}, opset=21)
    case('GroupNormalization', lambda x, s, b: F.group_norm(x, 2, s.repeat_interleave(2), b.repeat_interleave(2)), [rand(2, 4, 3), rand(2), rand(2)], {'num_groups': 2}, opset=18)
    case('LpNormalization', lambda x: F.normalize(x, dim=-1), [rand(2, 4)], opset=11)
    case('LpNormalization', lambda x: F.normalize(x, p=1, dim=1), [rand(2, 3, 2)], {'axis': 1, 'p': 1}, opset=11)
    std = lambda x, d: (x - x.mean(d, keepdim=True)) / x.var(d, keepdim=True, correction=0).sqrt()
    case('MeanVarianceNormalization', lambda x: std(x, (0, 2, 3)), [rand(2, 2, 2, 3)], opset=13)
    case('MeanVarianceNormalization', lambda x: std(x, (1,)), [rand(2, 5)], {'axes': [1]}, opset=13)
    for size in (3, 5):
        case('LRN', lambda x: F.local_response_norm(x, size, alpha=0.5, beta=0.6, k=1.5), [rand(2, 6, 2, 2)], {'size': size, 'alpha': 0.5, 'beta': 0.6, 'bias': 1.5}, opset=13)
    write('normalisation')
