"""Convolutions and pools."""
import torch
import torch.nn.functional as F

from case import Constant, case, rand, write

CONV = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
TRANSPOSED = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}


def padded(x, pads, value=0.0):
    n = len(pads) // 2
    return F.pad(x, [p for i in reversed(range(n)) for p in (pads[i], pads[n + i])], value=value)


def conv(x, w, attributes, opset=13, bias=False, constant=False, about='', pads=None):
    n = x.ndim - 2
    pads = attributes.get('pads', pads or [0] * 2 * n)
    attributes = {'kernel_shape': list(w.shape[2:]), **attributes}
    f = lambda x, w, b=None: CONV[n](padded(x, pads), w, b, attributes.get('strides', 1), 0, attributes.get('dilations', 1), attributes.get('group', 1))
    others = [w] + ([rand(w.shape[0])] if bias else [])
    case('Conv', f, [x, *(map(Constant, others) if constant else others)], attributes, opset=opset, about=about)


def transposed(x, w, attributes, bias=False, about=''):
    n = x.ndim - 2
    attributes = {'kernel_shape': list(w.shape[2:]), **attributes}
    g, s, d = attributes.get('group', 1), attributes.get('strides', [1] * n), attributes.get('dilations', [1] * n)
    pads, more = attributes.get('pads', [0] * 2 * n), attributes.get('output_padding', [0] * n)

    def f(x, w, b=None):
        y = TRANSPOSED[n](x, w, None, s, 0, 0, g, d)
        y = padded(y, [-p for p in pads[:n]] + [m - p for m, p in zip(more, pads[n:])])
        return y if b is None else y + b.reshape((-1,) + (1,) * n)
    case('ConvTranspose', f, [x, w, *([rand(w.shape[1] * g)] if bias else [])], attributes, opset=11, about=about)


def make():
    conv(rand(2, 3, 7), rand(2, 3, 3), {}, bias=True)
    conv(rand(1, 2, 8), rand(3, 2, 3), {'strides': [2], 'pads': [1, 0], 'dilations': [2]})
    conv(rand(2, 2, 5, 6), rand(3, 2, 3, 2), {'pads': [1, 0, 1, 1]}, bias=True)
    conv(rand(1, 2, 6, 7), rand(3, 2, 3, 3), {'strides': [2, 3], 'pads': [1, 1, 1, 1]}, bias=True, constant=True)
    conv(rand(1, 4, 5, 5), rand(6, 2, 3, 3), {'group': 2, 'pads': [1, 1, 1, 1], 'strides': [2, 2]})
    conv(rand(2, 3, 5, 4), rand(3, 1, 3, 3), {'group': 3, 'pads': [1, 1, 1, 1]}, constant=True, about='depthwise')
    conv(rand(2, 3, 5, 4), rand(6, 1, 3, 3), {'group': 3, 'pads': [1, 1, 1, 1]}, opset=11, about='two filters for each channel')
    conv(rand(1, 2, 3, 4), rand(3, 2, 1, 1), {}, bias=True, about='pointwise')
    conv(rand(1, 2, 4, 3, 4), rand(2, 2, 2, 2, 2), {'strides': [2, 1, 1], 'dilations': [1, 1, 2]})
    conv(rand(1, 2, 5, 6), rand(2, 2, 3, 3), {'auto_pad': 'SAME_UPPER', 'strides': [2, 2]}, pads=[1, 0, 1, 1], about='SAME_UPPER')
    conv(rand(1, 2, 5, 6), rand(2, 2, 2, 2), {'auto_pad': 'SAME_LOWER'}, pads=[1, 1, 0, 0], about='SAME_LOWER')
    conv(rand(1, 2, 5, 6), rand(2, 2, 2, 2), {'auto_pad': 'VALID', 'strides': [2, 2]}, about='VALID')
    transposed(rand(2, 3, 4), rand(3, 2, 3), {}, bias=True)
    transposed(rand(1, 2, 3, 4), rand(2, 3, 3, 3), {'strides': [2, 2], 'pads': [1, 1, 1, 1], 'output_padding': [1, 1]}, bias=True)
    transposed(rand(1, 4, 3, 3), rand(4, 2, 2, 2), {'strides': [2, 2], 'group': 2})
    transposed(rand(1, 2, 3, 3), rand(2, 1, 3, 2), {'dilations': [2, 1], 'pads': [1, 0, 0, 1]})
    for attributes, pads in (({}, None), ({'strides': [2, 2]}, None), ({'strides': [2, 1], 'pads': [1, 0, 1, 1]}, [1, 0, 1, 1]), ({'dilations': [2, 1]}, None)):
        a = {'kernel_shape': [3, 2], **attributes}
        s, d = attributes.get('strides', [1, 1]), attributes.get('dilations', [1, 1])
        top = lambda x: F.max_pool2d(padded(x, pads or [0] * 4, float('-inf')), (3, 2), s, 0, d)
        case('MaxPool', top, [rand(2, 2, 6, 5)], a, opset=12)
        if 'dilations' not in attributes:
            windows = lambda x: F.avg_pool2d(padded(x, pads or [0] * 4), (3, 2), s)
            case('AveragePool', windows, [rand(2, 2, 6, 5)], {**a, 'count_include_pad': 1}, opset=11)
            case('AveragePool', lambda x: windows(x) / windows(torch.ones_like(x)), [rand(2, 2, 6, 5)], a, opset=11)
            for p in (1, 2, 3):
                case('LpPool', lambda x: (windows(x.abs() ** p) * 6) ** (1 / p), [rand(1, 2, 6, 5)], {**a, 'p': p}, opset=11)
    case('MaxPool', lambda x: F.max_pool1d(x, 2), [rand(2, 2, 6)], {'kernel_shape': [2], 'strides': [2]}, opset=8)
    case('MaxPool', lambda x: F.max_pool3d(x, 2, 1), [rand(1, 2, 3, 3, 3)], {'kernel_shape': [2, 2, 2]}, opset=11)
    case('MaxPool', lambda x: F.max_pool2d(x, 2, 2, ceil_mode=True), [rand(1, 2, 5, 5)], {'kernel_shape': [2, 2], 'strides': [2, 2], 'ceil_mode': 1}, opset=12)
    case('MaxPool', lambda x: F.max_pool2d(padded(x, [0, 0, 1, 1], float('-inf')), 2, 2), [rand(1, 2, 5, 5)], {'kernel_shape': [2, 2], 'strides': [2, 2], 'auto_pad': 'SAME_UPPER'}, opset=12)
    case('AveragePool', lambda x: F.avg_pool1d(x, 3, 2), [rand(2, 2, 7)], {'kernel_shape': [3], 'strides': [2]}, opset=7)
    case('AveragePool', lambda x: F.avg_pool2d(x, 2, 2, ceil_mode=True), [rand(1, 2, 5, 5)], {'kernel_shape': [2, 2], 'strides': [2, 2], 'ceil_mode': 1}, opset=19)
    case('AveragePool', lambda x: F.avg_pool2d(padded(x, [0, 0, 1, 1]), 2, 2) / F.avg_pool2d(padded(torch.ones_like(x), [0, 0, 1, 1]), 2, 2), [rand(1, 2, 5, 5)],
         {'kernel_shape': [2, 2], 'strides': [2, 2], 'auto_pad': 'SAME_UPPER'}, opset=11)
    case('AveragePool', lambda x: F.avg_pool3d(x, 2, 1), [rand(1, 1, 3, 3, 3)], {'kernel_shape': [2, 2, 2]}, opset=11)
    for dims in ((2, 3, 4), (1, 2, 3, 3)):
        space = tuple(range(2, len(dims)))
        case('GlobalAveragePool', lambda x: x.mean(space, keepdim=True), [rand(*dims)], opset=11)
        case('GlobalMaxPool', lambda x: x.amax(space, keepdim=True), [rand(*dims)], opset=11)
        for p in (1, 2, 3):
            case('GlobalLpPool', lambda x: (x.abs() ** p).sum(space, keepdim=True) ** (1 / p), [rand(*dims)], {'p': p}, opset=11)
    write('convolution')
