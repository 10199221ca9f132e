"""Sums, means, norms and extremes along axes."""
import torch

from case import case, ints, rand, write

REDUCTIONS = {
    'ReduceSum': lambda x, d, k: x.sum(d, keepdim=k), 'ReduceMean': lambda x, d, k: x.mean(d, keepdim=k),
    'ReduceMax': lambda x, d, k: x.amax(d, keepdim=k), 'ReduceMin': lambda x, d, k: x.amin(d, keepdim=k),
    'ReduceL1': lambda x, d, k: x.abs().sum(d, keepdim=k), 'ReduceL2': lambda x, d, k: x.square().sum(d, keepdim=k).sqrt(),
    'ReduceSumSquare': lambda x, d, k: x.square().sum(d, keepdim=k), 'ReduceLogSum': lambda x, d, k: x.sum(d, keepdim=k).log(),
    'ReduceLogSumExp': lambda x, d, k: x.logsumexp(d, keepdim=k),
    'ReduceProd': lambda x, d, k: x.log().sum(d, keepdim=k).exp(),
}

# Without axes nothing is summed, and onnxruntime takes each element by itself.
NOOP = {'ReduceSumSquare': torch.square, 'ReduceLogSum': torch.log, 'ReduceL1': torch.abs, 'ReduceL2': torch.abs}


def make():
    for op, f in REDUCTIONS.items():
        new = 13 if op == 'ReduceSum' else 18
        x = lambda: rand(2, 3, 4, low=0.2)
        case(op, lambda x: f(x, (0, 1, 2), True), [x()], opset=11)
        case(op, lambda x: f(x, (1,), False), [x()], {'axes': [1], 'keepdims': 0}, opset=11)
        case(op, lambda x: f(x, (0, 2), True), [x()], {'axes': [0, -1]}, opset=11)
        case(op, lambda x, a: f(x, (2,), False), [x(), ints(-1)], {'keepdims': 0}, opset=new)
        case(op, lambda x, a: f(x, (0, 1), True), [x(), ints(0, 1)], opset=new)
        case(op, NOOP.get(op, lambda x: x * 1), [rand(2, 3) if op in ('ReduceL1', 'ReduceL2') else x()], {'noop_with_empty_axes': 1}, opset=new)
    zeros = torch.tensor([[0.0, 2.0, 3.0], [0.0, 0.0, 3.0], [1.0, 2.0, 3.0]], dtype=torch.float64)
    case('ReduceProd', lambda x: x.prod(1, keepdim=True), [zeros], {'axes': [1]}, opset=11, about='with zeros')
    case('ReduceProd', lambda x: x.prod(1), [rand(2, 3)], {'axes': [1], 'keepdims': 0}, opset=11, about='of negatives')
    ties = torch.tensor([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]], dtype=torch.float64)
    case('ReduceMax', lambda x: x.amax(1, keepdim=True), [ties], {'axes': [1]}, opset=13, about='ties')
    for op in ('ReduceL1', 'ReduceLogSumExp'):
        case(op, lambda x: REDUCTIONS[op](x, (1,), False), [rand(2, 3)], {'axes': [1], 'keepdims': 0}, opset=13, about='of negatives')
    case('ReduceL2', lambda x: torch.linalg.vector_norm(x, dim=1), [torch.tensor([[0.0, 0.0], [3.0, 4.0]], dtype=torch.float64)],
         {'axes': [1], 'keepdims': 0}, opset=13, about='at 0')
    for exclusive in (0, 1):
        for reverse in (0, 1):
            def cumsum(x, axis):
                y = x.flip(1) if reverse else x
                y = y.cumsum(1) - (y if exclusive else 0)
                return y.flip(1) if reverse else y
            case('CumSum', cumsum, [rand(2, 4), ints(1, dims=())], {'exclusive': exclusive, 'reverse': reverse}, opset=14)
    write('reductions')
