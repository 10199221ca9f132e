"""What PyTorch gives for operations that move elements: writes shape.json. Run it with a Python that has torch: python3 make_shape.py

One case a line: [method, this, arguments, result]; a tensor is {"dims", "type", "data"}; a result may be a list of tensors.
"""
import json
import pathlib

import torch

torch.manual_seed(0)
NAMES = {torch.float32: 'float32', torch.float64: 'float64', torch.float16: 'float16', torch.int64: 'int64', torch.int32: 'int32',
         torch.int16: 'int16', torch.int8: 'int8', torch.uint8: 'uint8', torch.bool: 'bool'}
lines = []


def encode(x):
    if isinstance(x, torch.Tensor):
        return {'dims': list(x.shape), 'type': NAMES[x.dtype], 'data': [float(v) if x.dtype.is_floating_point else int(v) for v in x.flatten().tolist()]}
    return [encode(item) for item in x] if isinstance(x, (list, tuple)) else x


def case(method, x, args, result):
    lines.append(json.dumps([method, encode(x), encode(args), encode(result)], separators=(',', ':')))


def counting(*dims, dtype=torch.float32):
    size = 1
    for dim in dims:
        size *= dim
    return torch.arange(1, size + 1).reshape(dims).to(dtype) if dtype != torch.bool else torch.arange(size).reshape(dims) % 3 == 0


for dims in [(2, 3, 4), (1, 4, 1), (3, 0, 2), (5,)]:
    x = counting(*dims)
    size = x.numel()
    case('reshape', x, [size], x.reshape(size))
    if size:
        case('reshape', x, [-1, dims[0]], x.reshape(-1, dims[0]))
        case('view', x, [[dims[0], -1]], x.reshape(dims[0], -1))
    case('flatten', x, [], x.flatten())
    case('flatten', x, [-1], x.flatten(-1))
    case('squeeze', x, [], x.squeeze())
    case('squeeze', x, [0], x.squeeze(0))
    case('unsqueeze', x, [0], x.unsqueeze(0))
    case('unsqueeze', x, [-1], x.unsqueeze(-1))
    case('clone', x, [], x.clone())
    case('contiguous', x, [], x.contiguous())
    case('flip', x, [0], x.flip(0))
    case('flip', x, [-1], x.flip(-1))
    case('roll', x, [1, 0], x.roll(1, 0))
    case('roll', x, [-7, -1], x.roll(-7, -1))
    case('roll', x, [2], x.roll(2))
    case('repeat', x, [2] + [1] * (len(dims) - 1), x.repeat(2, *[1] * (len(dims) - 1)))
    case('repeat', x, [2, 1, 3] + [1] * (len(dims) - 1), x.repeat(2, 1, 3, *[1] * (len(dims) - 1)))
    case('tile', x, [2], torch.tile(x, (2,)))
    case('tile', x, [[2, 1, 1, 2]], torch.tile(x, (2, 1, 1, 2)))
    case('repeatInterleave', x, [2, 0], x.repeat_interleave(2, 0))
    case('repeatInterleave', x, [3, -1], x.repeat_interleave(3, -1))
    case('repeatInterleave', x, [2], x.repeat_interleave(2))
    counts = [i % 3 for i in range(dims[0])]
    case('repeatInterleave', x, [counts, 0], x.repeat_interleave(torch.tensor(counts), 0))
    case('unbind', x, [], x.unbind())
    case('unbind', x, [-1], x.unbind(-1))
    case('split', x, [2], x.split(2))
    case('split', x, [2, -1], x.split(2, -1))
    case('split', x, [[1, dims[0] - 1], 0], x.split([1, dims[0] - 1], 0))
    case('chunk', x, [2], x.chunk(2))
    case('chunk', x, [3, -1], x.chunk(3, -1))
    case('narrow', x, [0, 0, 1], x.narrow(0, 0, 1))
    case('narrow', x, [-1, 0, 0], x.narrow(-1, 0, 0))
    case('select', x, [0, -1], x.select(0, -1))
    case('nonzero', x, [], x.nonzero())
    case('take', x, [torch.tensor([], dtype=torch.int64)], x.flatten()[:0])
    case('indexSelect', x, [0, [0, 0, -1]], x.index_select(0, torch.tensor([0, 0, dims[0] - 1])))
    case('maskedSelect', x, [x.flatten().remainder(2).reshape(dims) == 0], x.masked_select(x % 2 == 0))
    case('maskedFill', x, [x % 2 == 0, -1], x.masked_fill(x % 2 == 0, -1))

x = counting(2, 3, 4)
case('flatten', x, [0, 1], x.flatten(0, 1))
case('flatten', x, [1], x.flatten(1))
case('unflatten', x, [-1, [2, 2]], x.unflatten(-1, (2, 2)))
case('unflatten', x, [-1, [2, -1]], x.unflatten(-1, (2, -1)))
case('unflatten', x, [1, [3, 1]], x.unflatten(1, (3, 1)))
case('transpose', x, [0, 1], x.transpose(0, 1))
case('transpose', x, [-1, 0], x.transpose(-1, 0))
case('swapaxes', x, [-1, 1], x.swapaxes(-1, 1))
case('permute', x, [2, 0, 1], x.permute(2, 0, 1))
case('permute', x, [[-1, 0, -2]], x.permute(-1, 0, -2))
case('movedim', x, [0, -1], x.movedim(0, -1))
case('movedim', x, [[0, 2], [1, 0]], x.movedim((0, 2), (1, 0)))
case('squeeze', counting(1, 3, 1), [0, 1], counting(3, 1))
case('squeeze', counting(1, 3, 1), [[0, -1]], counting(3))
case('expand', counting(3, 1), [2, -1, 4], counting(3, 1).expand(2, -1, 4))
case('expand', counting(1, 4), [[3, 4]], counting(1, 4).expand(3, 4))
case('broadcastTo', counting(3, 1), [2, 3, 2], counting(3, 1).broadcast_to((2, 3, 2)))
case('expandAs', counting(3, 1), [counting(2, 3, 4)], counting(3, 1).expand(2, 3, 4))
case('flip', x, [0, -1], x.flip(0, -1))
case('roll', x, [[1, -1], [0, 2]], x.roll((1, -1), (0, 2)))
for times in (-1, 0, 1, 2, 3, 5):
    case('rot90', x, [times], x.rot90(times))
    case('rot90', x, [times, [1, -1]], x.rot90(times, (1, -1)))
for offset in (-5, -2, -1, 0, 1, 3, 6):
    case('diagonal', x, [offset], x.diagonal(offset))
    case('diagonal', x, [offset, -1, -2], x.diagonal(offset, -1, -2))
    case('tril', x, [offset], x.tril(offset))
    case('triu', x, [offset], x.triu(offset))
for dtype in NAMES:
    y = counting(3, 3, dtype=dtype)
    case('tril', y, [], y.tril())
    case('triu', y, [1], y.triu(1))
    case('flip', y, [1], y.flip(1))
    case('nonzero', y, [], y.nonzero())
    case('repeat', y, [2, 1], y.repeat(2, 1))
    case('maskedFill', y, [torch.eye(3) > 0, 1], y.masked_fill(torch.eye(3) > 0, 1))
    case('roll', y, [1, 0], y.roll(1, 0))
    case('gather', y, [1, [[0, 2], [1, 1]]], y.gather(1, torch.tensor([[0, 2], [1, 1]])))
    case('scatter', y, [1, [[0, 2], [1, 0]], y.flip(0, 1)], y.scatter(1, torch.tensor([[0, 2], [1, 0]]), y.flip(0, 1)))
    if dtype not in (torch.bool,):
        case('scatterAdd', y, [0, [[0, 0, 0], [1, 1, 0]], y], y.scatter_add(0, torch.tensor([[0, 0, 0], [1, 1, 0]]), y))
        case('indexAdd', y, [0, [0, 0, 2], y], y.index_add(0, torch.tensor([0, 0, 2]), y))
at = torch.tensor([[[0, 2, 1, 0]], [[1, 1, 0, 2]]])
case('gather', x, [1, at], x.gather(1, at))
case('gather', x, [-2, at[:, :, :2]], x.gather(1, at[:, :, :2]))
case('gather', x, [1, at - 3], x.gather(1, at))
case('takeAlongDim', x, [at[:1], 1], torch.take_along_dim(x, at[:1], 1))
case('takeAlongDim', x, [[5, 0, 23]], torch.take_along_dim(x, torch.tensor([5, 0, 23])))
case('take', x, [[[5, 0], [-1, 3]]], x.take(torch.tensor([[5, 0], [-1, 3]])))
case('scatter', x, [1, at, 0], x.scatter(1, at, 0))
case('scatter', x, [1, at, -x], x.scatter(1, at, -x))
case('scatterAdd', x, [1, at, -x[:, :1]], x.scatter_add(1, at, -x[:, :1]))
case('indexAdd', x, [-1, [1, 1], x[:, :, :2]], x.index_add(-1, torch.tensor([1, 1]), x[:, :, :2]))
case('indexSelect', x, [-1, [3, 0]], x.index_select(-1, torch.tensor([3, 0])))
case('maskedSelect', x, [torch.tensor([True, False, True, True])], x.masked_select(torch.tensor([True, False, True, True])))
case('maskedFill', x, [torch.tensor([[True], [False], [True]]), 0.5], x.masked_fill(torch.tensor([[True], [False], [True]]), 0.5))
case('select', x, [1, 2], x.select(1, 2))
case('narrow', x, [1, -2, 2], x.narrow(1, -2, 2))
case('T', x, [], x.permute(2, 1, 0))
case('mT', x, [], x.mT)
case('.cat', None, [[x, x[:, :1]], 1], torch.cat([x, x[:, :1]], 1))
case('.cat', None, [[x, counting(2, 3, 1, dtype=torch.int32)], -1], torch.cat([x, counting(2, 3, 1)], -1))
case('.stack', None, [[x, -x]], torch.stack([x, -x]))
case('.stack', None, [[x, -x], -1], torch.stack([x, -x], -1))
for empty in (torch.zeros(0), torch.zeros(0, 3), torch.zeros(2, 0)):
    case('unbind', empty, [], empty.unbind())
    case('unbind', empty, [-1], empty.unbind(-1))
    case('chunk', empty, [3, -1], empty.chunk(3, -1))
    case('chunk', empty, [2], empty.chunk(2))
for scalar in (torch.tensor(3.0), torch.tensor(0.0)):
    case('nonzero', scalar, [], torch.zeros(int(scalar != 0), 0, dtype=torch.int64))
    case('flatten', scalar, [], scalar.flatten())
    case('unsqueeze', scalar, [-1], scalar.unsqueeze(-1))
    case('expand', scalar, [2, 3], scalar.expand(2, 3))
case('expand', counting(1, 4), [2, 1, 4], counting(1, 4).expand(2, 1, 4))
case('narrow', x, [1, -1, 1], x.narrow(1, -1, 1))
for arguments in ((5,), (0,), (2, 7), (7, 2, -2), (0, 1, 0.25), (3, -3, -1.5), (2, 2), (1, 8, 3)):
    case('.arange', None, arguments, torch.arange(*arguments))
for arguments in ((0, 1, 5), (1, 0, 3), (2, 2, 1), (0, 1, 0), (-3, 5, 9)):
    case('.linspace', None, arguments, torch.linspace(*arguments))
for arguments in ((3,), (0,), (2, 4), (4, 2), (0, 2), (2, 0)):
    case('.eye', None, arguments, torch.eye(*arguments))
for ids in ([0, 2], [[1, 0], [2, 2]], 1):
    case('.oneHot', None, [torch.tensor(ids), 3], torch.nn.functional.one_hot(torch.tensor(ids), 3))
pathlib.Path(__file__).with_name('shape.json').write_text('\n'.join(lines) + '\n')
