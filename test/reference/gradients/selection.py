"""Elements that are taken from a tensor or put into one."""
import torch

from case import Constant, case, ints, rand, write


def make():
    for axis in (0, 1, -1):
        case('Gather', lambda x, i: x[(slice(None),) * (axis % 3) + (i,)], [rand(3, 4, 3), ints(0, 2, 2)], {'axis': axis}, opset=13)
        case('Gather', lambda x, i: x[(slice(None),) * (axis % 3) + (i,)], [rand(3, 4, 3), ints(1, dims=())], {'axis': axis}, opset=13)
        case('Gather', lambda x, i: x[(slice(None),) * (axis % 3) + (i,)], [rand(3, 4, 3), ints(0, 2, -1, 2, dims=(2, 2))], {'axis': axis}, opset=13)
    case('Gather', lambda x, i: x[:, -1], [rand(2, 3), Constant(ints(-1, dims=()))], {'axis': 1}, opset=11)
    case('Gather', lambda x, i: x[i.long()], [Constant(rand(5, 2)), ints(4, 0, 4, dims=(1, 3), dtype=torch.int32)], opset=11)
    for axis in (0, 1, -1):
        case('GatherElements', lambda x, i: x.gather(axis, i % x.shape[axis]), [rand(3, 3), ints(0, 2, 2, 1, -1, 1, dims=(2, 3))], {'axis': axis}, opset=13)
    case('GatherElements', lambda x, i: x.gather(1, i), [rand(3, 4), ints(0, 3, 1, dims=(3, 1))], {'axis': 1}, opset=13)
    case('GatherND', lambda x, i: x[i[:, 0], i[:, 1]], [rand(3, 4, 2), ints(0, 1, 2, 3, 0, 1, dims=(3, 2))], opset=13)
    case('GatherND', lambda x, i: x[i[:, 0]], [rand(3, 2), ints(2, 0, dims=(2, 1))], opset=12)
    case('GatherND', lambda x, i: torch.stack([x[b, i[b, 0]] for b in range(2)]), [rand(2, 3, 2), ints(2, 1, dims=(2, 1))], {'batch_dims': 1}, opset=13)
    for slices, (starts, ends, axes, steps) in (
            ((slice(1, 3), slice(None)), ((1,), (3,), (0,), (1,))), ((slice(None), slice(0, 5, 2)), ((0,), (5,), (1,), (2,))),
            ((slice(1, None), slice(1, -1)), ((1, 1), (2**31, -1), (0, 1), (1, 1))), ((slice(-2, None), slice(None)), ((-2,), (100,), (-2,), (1,)))):
        case('Slice', lambda x, *_: x[slices], [rand(3, 5), ints(*starts), ints(*ends), ints(*axes), ints(*steps)], opset=13)
        case('Slice', lambda x, *_: x[slices], [rand(3, 5), *(Constant(ints(*b)) for b in (starts, ends, axes, steps))], opset=11)
    case('Slice', lambda x, *_: x.flip(1), [rand(2, 4), ints(-1), ints(-100), ints(1), ints(-1)], opset=13, about='backwards')
    case('Slice', lambda x, *_: x[:, ::1].flip(1)[:, ::2], [rand(2, 4), *(Constant(ints(b)) for b in (-1, -100, 1, -2))], opset=13, about='backwards by 2')
    case('Slice', lambda x, *_: x[0:1, 1:3], [rand(2, 4), ints(0, 1), ints(1, 3)], opset=13, about='without axes')
    case('Slice', lambda x: x[:, 1:3], [rand(2, 4)], {'starts': [1], 'ends': [3], 'axes': [1]}, opset=9)
    index = ints(2, 0, dims=(2, 1))
    put = lambda x, i, u: x.index_put((i[:, 0],), u)
    for opset in (11, 16):
        case('ScatterND', put, [rand(3, 2), index, rand(2, 2)], opset=opset)
    case('ScatterND', lambda x, i, u: x.index_put((i[:, 0],), u, accumulate=True), [rand(3, 2), ints(2, 2, dims=(2, 1)), rand(2, 2)], {'reduction': 'add'}, opset=16)
    for axis in (0, 1):
        i = ints(1, 0, 2, 2, dims=(2, 2)) if axis == 0 else ints(1, 0, 2, 1, dims=(2, 2))
        case('ScatterElements', lambda x, i, u: x.scatter(axis, i, u), [rand(3, 3), i, rand(2, 2)], {'axis': axis}, opset=13)
        case('ScatterElements', lambda x, i, u: x.scatter_add(axis, i, u), [rand(3, 3), i, rand(2, 2)], {'axis': axis, 'reduction': 'add'}, opset=16)
    same = ints(1, 1, 0, 2, dims=(2, 2))
    for reduction, name in (('mul', 'prod'), ('max', 'amax'), ('min', 'amin')):
        i = ints(1, 1, 1, 2, dims=(2, 2))
        case('ScatterElements', lambda x, i, u: x.scatter_reduce(1, i, u, reduce=name), [rand(2, 3), i, rand(2, 2)], {'axis': 1, 'reduction': reduction}, opset=18)
        case('ScatterND', lambda x, i, u: x.scatter_reduce(0, i.expand(3, 2), u, reduce=name), [rand(3, 2), ints(2, 2, 0, dims=(3, 1)), rand(3, 2)], {'reduction': reduction}, opset=18)
    case('TopK', lambda x, k: [x.topk(2, 1)[0], None], [rand(2, 5), ints(2)], opset=11)
    case('TopK', lambda x, k: [x.topk(2, 0, largest=False)[0], None], [rand(4, 3), Constant(ints(2))], {'axis': 0, 'largest': 0}, opset=11)
    case('Compress', lambda x, c: x[:, [0, 2]], [rand(2, 3), torch.tensor([True, False, True])], {'axis': 1}, opset=11)
    case('Compress', lambda x, c: x.flatten()[[1, 3]], [rand(2, 3), torch.tensor([False, True, False, True])], opset=11)
    lengths = ints(3, 1, 2)
    rev = lambda x: torch.stack([torch.cat([x[:n, b].flip(0), x[n:, b]]) for b, n in enumerate((3, 1, 2))], 1)
    case('ReverseSequence', lambda x, n: rev(x), [rand(4, 3, 2), lengths], {'time_axis': 0, 'batch_axis': 1}, opset=10)
    case('ReverseSequence', lambda x, n: rev(x.transpose(0, 1)).transpose(0, 1), [rand(3, 4), lengths], {'time_axis': 1, 'batch_axis': 0}, opset=10)
    write('selection')
