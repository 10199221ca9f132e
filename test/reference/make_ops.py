"""What PyTorch gives for every tensor operation: writes ops.json. Run it with a Python that has torch: python3 make_ops.py"""
import json
import math
import pathlib

import torch
import torch.nn.functional as F

torch.manual_seed(0)
NAMES = {torch.float32: 'float32', torch.float64: 'float64', torch.float16: 'float16', torch.int64: 'int64', torch.int32: 'int32',
         torch.int16: 'int16', torch.int8: 'int8', torch.uint8: 'uint8', torch.bool: 'bool'}
TYPES = {name: dtype for dtype, name in NAMES.items()}
cases = []


def number(x):
    return x if not isinstance(x, float) or math.isfinite(x) else 'NaN' if x != x else 'Infinity' if x > 0 else '-Infinity'


def shorten(v, dtype):
    return float(f'{v:.{9 if dtype == torch.float32 else 6}g}') if dtype in (torch.float32, torch.float16) else v


def encode(x):
    if isinstance(x, torch.Tensor):
        return {'tensor': NAMES[x.dtype], 'dims': list(x.shape), 'data': [number(shorten(v, x.dtype)) for v in x.flatten().tolist()]}
    if isinstance(x, dict):
        return {'options': {k: encode(v) for k, v in x.items()}}
    if isinstance(x, (list, tuple)):
        return [encode(v) for v in x]
    return number(x)


def case(method, args, result):
    """The first argument is `this`; a free function has none and is named with a dot in front."""
    if isinstance(result, tuple):
        result = {'values': result[0], 'indices': result[1]}
        result = {k: encode(v) for k, v in result.items()}
    else:
        result = encode(result)
    cases.append({'method': method, 'args': [encode(a) for a in args], 'result': result})


def tensor(dtype, *dims, positive=False):
    t = torch.randn(*dims) * 3
    t = t.abs() + 0.5 if positive else t
    return t > 0 if dtype == torch.bool else t.abs().to(dtype) if dtype == torch.uint8 else t.to(dtype)


def nonzero(t):
    return t if t.dtype == torch.bool else torch.where(t == 0, torch.ones_like(t), t)


f = torch.float32
nan, inf = float('nan'), float('inf')
SPECIAL = torch.tensor([nan, inf, -inf, 0.0, -0.0, 1.5, -2.5, 0.5])

# Two operands: every pair of dtypes, broadcasting, numbers on either side.
BINARY = {'add': torch.add, 'sub': torch.sub, 'mul': torch.mul, 'div': torch.div, 'maximum': torch.maximum, 'minimum': torch.minimum,
          'floorDivide': torch.floor_divide, 'mod': torch.remainder, 'fmod': torch.fmod, 'eq': torch.eq, 'ne': torch.ne, 'lt': torch.lt,
          'le': torch.le, 'gt': torch.gt, 'ge': torch.ge, 'and': torch.logical_and, 'or': torch.logical_or, 'xor': torch.logical_xor}
for method, function in BINARY.items():
    for a in TYPES.values():
        for b in TYPES.values():
            x, y = tensor(a, 2, 1, 3), nonzero(tensor(b, 4, 1))
            try:
                case(method, [x, y], function(x, y))
            except RuntimeError:
                pass
    if method not in ('maximum', 'minimum', 'and', 'or', 'xor'):
        for dtype in TYPES.values():
            for value in (2, 1.5):
                x = tensor(dtype, 5)
                try:
                    case(method, [x, value], function(x, value))
                except RuntimeError:
                    pass
    x = SPECIAL
    if method not in ('floorDivide', 'mod', 'fmod'):
        case(method, [x, x.flip(0)], function(x, x.flip(0)))
for x in (tensor(f, 3), tensor(torch.int64, 3), tensor(torch.float16, 3)):
    for scalar in (torch.tensor(2.0, dtype=torch.float64), torch.tensor(2)):
        case('mul', [x, scalar], x * scalar)
        case('add', [scalar, x], scalar + x)
for a, b in ((f, f), (torch.float64, f), (f, torch.int64), (torch.int64, f), (torch.float16, torch.float16), (torch.int32, torch.int64)):
    x, y = tensor(a, 4, positive=True), tensor(b, 4, positive=True).abs()
    case('pow', [x, y], x ** y)
for dtype in (f, torch.float64, torch.float16, torch.int64, torch.int32, torch.int8, torch.uint8):
    x = nonzero(tensor(dtype, 5))
    for p in (2, 3, 0.5, 0):
        case('pow', [x, p], x ** p)
    case('rsub', [x, 2], 2 - x)
    case('rdiv', [x, 2], 2 / x)
    case('rmod', [x, 7], torch.remainder(torch.tensor(7, dtype=dtype), x))

# One operand.
UNARY = {'neg': torch.neg, 'abs': torch.abs, 'sign': torch.sign, 'exp': torch.exp, 'log': torch.log, 'log1p': torch.log1p,
         'expm1': torch.expm1, 'sqrt': torch.sqrt, 'rsqrt': torch.rsqrt, 'reciprocal': torch.reciprocal, 'floor': torch.floor,
         'ceil': torch.ceil, 'round': torch.round, 'erf': torch.erf, 'sin': torch.sin, 'cos': torch.cos, 'tanh': torch.tanh,
         'sigmoid': torch.sigmoid, 'relu': torch.relu, 'silu': F.silu, 'gelu': F.gelu, 'softplus': F.softplus, 'log2': torch.log2,
         'not': torch.logical_not, 'isnan': torch.isnan, 'isinf': torch.isinf, 'isfinite': torch.isfinite}
for method, function in UNARY.items():
    for dtype in TYPES.values():
        x = tensor(dtype, 2, 3, positive=method in ('log', 'log1p', 'sqrt', 'rsqrt', 'log2'))
        try:
            case(method, [x], function(x))
        except RuntimeError:  # no CPU kernel for half: what PyTorch gives elsewhere
            if dtype == torch.float16:
                case(method, [x], function(x.float()).half())
    if method != 'sign':  # of NaN: 0 in PyTorch, NaN here
        case(method, [SPECIAL], function(SPECIAL))
    case(method, [torch.tensor(0.7)], function(torch.tensor(0.7)))
for x in (torch.tensor([1e-7, 3e-6, -2e-6]), torch.tensor([-1e-9, 1e-3], dtype=torch.float64)):
    case('log1p', [x], torch.log1p(x))
    case('expm1', [x], torch.expm1(x))
x = tensor(f, 9)
case('gelu', [x, {'approximate': 'tanh'}], F.gelu(x, approximate='tanh'))
case('clamp', [x, -1, 1], x.clamp(-1, 1))
case('clamp', [x, 0.5], x.clamp(min=0.5))
case('clamp', [tensor(torch.int32, 4) * 0 + 5, 1, 3], torch.full((4,), 3, dtype=torch.int32))
for a in TYPES.values():
    for b in TYPES.values():
        x = tensor(a, 2, 3)
        case('to', [x, NAMES[b]], x.to(b))
        y = tensor(b, 3)
        mask = tensor(torch.bool, 2, 1)
        case('.where', [mask, x, y.to(a)], torch.where(mask, x, y.to(a)))

for method, function in (('isinf', torch.isinf), ('isfinite', torch.isfinite)):
    x = torch.tensor([1e300, inf, nan], dtype=torch.float64)
    case(method, [x], function(x))
for dtype in (torch.int32, torch.int64):
    least = torch.tensor([torch.iinfo(dtype).min, 7, -7], dtype=dtype)
    if dtype == torch.int32:  # int64's is not a number of JSON
        case('mod', [least, -torch.ones(3, dtype=dtype)], torch.zeros(3, dtype=dtype))
        case('mod', [least, -1], torch.zeros(3, dtype=dtype))
        case('fmod', [least, -1], torch.zeros(3, dtype=dtype))
        case('floorDivide', [least, -1], torch.tensor([least[0].item(), -7, 7], dtype=dtype))
    case('floorDivide', [least[1:], torch.tensor([-2, 2], dtype=dtype)], torch.tensor([-4, -4], dtype=dtype))
case('.where', [torch.tensor([True, False]), 1.5, 2.5], torch.tensor([1.5, 2.5]))
case('floorDivide', [torch.tensor([2 ** 53 - 1]), 1], torch.tensor([2 ** 53 - 1]))

# Reductions.
for dtype in TYPES.values():
    x = tensor(dtype, 2, 3, 4)
    for keep in ({}, {'keepdim': True}):
        for dims in ((), (-1,), ([0, 2],), (1,)):
            dim = dims[0] if dims else [0, 1, 2]
            arguments = [x, *dims, keep] if dims and keep else [x, *dims]
            if keep and not dims:
                continue
            case('sum', arguments, x.sum(dim, **keep))
            case('amax', arguments, x.amax(dim, **keep))
            case('amin', arguments, x.amin(dim, **keep))
            case('any', arguments, (x != 0).float().sum(dim, **keep) > 0)
            case('all', arguments, (x == 0).float().sum(dim, **keep) == 0)
            if dtype.is_floating_point:
                # PyTorch has no half kernels for some of these on the CPU.
                wide = x.float() if dtype == torch.float16 else x
                case('mean', arguments, wide.mean(dim, **keep).to(dtype))
                case('logsumexp', arguments, torch.logsumexp(wide, dim, **keep).to(dtype))
                if dtype != torch.float16:
                    case('var', arguments, x.var(dim, unbiased=True, **keep))
                    case('std', arguments, x.std(dim, unbiased=True, **keep))
                    for p in (2, 1, 3, 0, inf, -inf):
                        if dims:
                            case('norm', [x, p, *arguments[1:]], torch.linalg.vector_norm(x, p, dim, **keep))
    case('prod', [x], x.float().prod().to(dtype) if dtype == torch.float16 else x.prod())
    case('cumsum', [x, 1], x.float().cumsum(1).to(dtype) if dtype == torch.float16 else x.cumsum(1))
    unique = torch.randperm(12).reshape(3, 4).to(dtype)
    if dtype != torch.bool:
        for dim in (0, -1):
            wide = unique.float()
            case('max', [unique, dim], (wide.max(dim)[0].to(dtype), wide.max(dim)[1]))
            case('min', [unique, dim], (wide.min(dim)[0].to(dtype), wide.min(dim)[1]))
            case('argmax', [unique, dim, {'keepdim': True}], wide.argmax(dim, keepdim=True))
            case('topk', [unique, 2, dim], tuple(t.to(dtype) if i == 0 else t for i, t in enumerate(wide.topk(2, dim))))
            case('topk', [unique, 2, dim, {'largest': False}],
                 tuple(t.to(dtype) if i == 0 else t for i, t in enumerate(wide.topk(2, dim, largest=False))))
            case('sort', [unique, dim], tuple(t.to(dtype) if i == 0 else t for i, t in enumerate(wide.sort(dim))))
            case('argsort', [unique, dim, {'descending': True}], wide.argsort(dim, descending=True))
        case('argmin', [unique], wide.argmin())
        case('max', [unique], unique.max())
        case('min', [unique], unique.min())
ties = torch.tensor([3.0, 1.0, 3.0, 1.0, 2.0])
case('sort', [ties], tuple(ties.sort(stable=True)))
case('sort', [ties, -1, {'descending': True}], tuple(ties.sort(stable=True, descending=True)))
case('sum', [torch.tensor([True, True, False])], torch.tensor(2))
case('var', [ties, -1, {'correction': 0}], ties.var(unbiased=False))
for empty in (torch.zeros(0, 3), torch.zeros(2, 0)):
    case('sum', [empty, 1], empty.sum(1))
    case('any', [empty, 1], empty.bool().any(1))
    case('all', [empty, 1], empty.bool().all(1))
strange = torch.tensor([[nan, 1.0], [inf, -inf], [-inf, -inf], [2.0, nan]])
for method, function in {'sum': torch.sum, 'amax': torch.amax, 'amin': torch.amin, 'logsumexp': torch.logsumexp, 'mean': torch.mean}.items():
    case(method, [strange, 1], function(strange, 1))
case('max', [strange], strange.max())
case('min', [strange], strange.min())
for dtype in (torch.float16, torch.float64):
    case('amax', [strange.to(dtype), 0, {'keepdim': True}], strange.to(dtype).amax(0, keepdim=True))

# Products.
for dtype in (f, torch.float64, torch.int64, torch.int32, torch.float16):
    for a, b in (((2, 3), (3, 4)), ((3,), (3,)), ((3,), (3, 2)), ((2, 3), (3,)), ((5, 1, 2, 3), (4, 3, 2)), ((3,), (2, 3, 4)), ((2, 2, 3), (3,))):
        x, y = tensor(dtype, *a), tensor(dtype, *b)
        case('matmul', [x, y], torch.matmul(x.double(), y.double()).to(dtype))
    x, y = tensor(dtype, 3), tensor(dtype, 4)
    case('outer', [x, y], torch.outer(x.double(), y.double()).to(dtype))
    case('dot', [x, x], (x.double() @ x.double()).to(dtype))
x, y = tensor(f, 2, 3, 4), tensor(f, 2, 4, 2)
case('bmm', [x, y], torch.bmm(x, y))
for equation, dims in (('bij,bjk->bik', ((2, 3, 4), (2, 4, 5))), ('ij->ji', ((2, 3),)), ('ii->i', ((3, 3),)), ('ij,jk', ((2, 3), (3, 4))),
                       ('...i,...i->...', ((2, 3, 4), (3, 4))), ('bhqd, bhkd -> bhqk', ((1, 2, 3, 4), (1, 2, 5, 4))), ('i,j->ij', ((2,), (3,))),
                       ('ij->', ((2, 3),)), ('i...,...->i...', ((2, 3, 4), (4,))), ('...ij,...jk', ((5, 1, 2, 3), (4, 3, 2))), ('ij,jk->ik', ((2, 1), (4, 3))), ('Ab,bA', ((2, 3), (3, 2))), ('b...d,dk->b...k', ((2, 3, 5, 4), (4, 6))), ('ij,jk,kl->il', ((2, 3), (3, 2), (2, 4)))):
    operands = [tensor(f, *d) for d in dims]
    case('.einsum', [equation, *operands], torch.einsum(equation, *operands))

# Softmax, layer norm, losses.
for dtype in (f, torch.float64, torch.float16):
    x = tensor(dtype, 2, 3, 4)
    wide = x.float() if dtype == torch.float16 else x
    for dim in (0, 1, -1):
        case('softmax', [x, dim], wide.softmax(dim).to(dtype))
        case('logSoftmax', [x, dim], wide.log_softmax(dim).to(dtype))
    weight, bias = tensor(dtype, 4), tensor(dtype, 4)
    case('layerNorm', [x, 4], F.layer_norm(wide, (4,)).to(dtype))
    case('layerNorm', [x, [3, 4], {'eps': 0.1}], F.layer_norm(wide, (3, 4), eps=0.1).to(dtype))
    case('layerNorm', [x, [4], {'weight': weight, 'bias': bias}], F.layer_norm(wide, (4,), weight.to(wide.dtype), bias.to(wide.dtype)).to(dtype))
case('softmax', [torch.tensor([-inf, 1000.0, 1000.0]), 0], torch.tensor([0.0, 0.5, 0.5]))
logits, classes = tensor(f, 4, 5), torch.tensor([1, 4, -100, 0])
for how in ('mean', 'sum', 'none'):
    options = {'reduction': how}
    case('crossEntropy', [logits, classes, options], F.cross_entropy(logits, classes, **options))
    probabilities = tensor(f, 4, 5).softmax(-1)
    case('crossEntropy', [logits, probabilities, options], F.cross_entropy(logits, probabilities, **options))
    case('klDiv', [logits.log_softmax(-1), probabilities, options], F.kl_div(logits.log_softmax(-1), probabilities, **options))
    case('mseLoss', [logits, probabilities, options], F.mse_loss(logits, probabilities, **options))
some = torch.tensor([1, 4, 3, 0])
case('crossEntropy', [logits, some, {'ignoreIndex': 4}], F.cross_entropy(logits, some, ignore_index=4))
case('crossEntropy', [logits[0], torch.tensor(3)], F.cross_entropy(logits[0], torch.tensor(3)))
deep, places = tensor(f, 2, 3, 4), torch.tensor([[0, 1, 2, 0], [2, 2, 1, 0]])
case('crossEntropy', [deep, places], F.cross_entropy(deep, places))
p, q = deep.softmax(-1), tensor(f, 2, 3, 4).log_softmax(-1)
case('klDiv', [q, p, {'reduction': 'batchmean'}], F.kl_div(q, p, reduction='batchmean'))
case('klDiv', [q, p.log(), {'logTarget': True}], F.kl_div(q, p.log(), log_target=True))
for a, b, dim in (((2, 3), (2, 3), 1), ((2, 3), (3,), -1), ((2, 3, 4), (3, 1), 1), ((2, 3), (2, 3), 0)):
    x, y = tensor(f, *a), tensor(f, *b)
    case('cosineSimilarity', [x, y, dim], F.cosine_similarity(*torch.broadcast_tensors(x, y), dim))
for dtype in TYPES.values():
    if dtype != torch.bool:
        x = tensor(dtype, 2, 3)
        wide = x if dtype == torch.float64 else x.float()
        narrow = dtype if dtype.is_floating_point else torch.float32
        case('elu', [x], F.elu(wide).to(narrow))
        case('elu', [x, 0.5], F.elu(wide, 0.5).to(narrow))
        case('leakyRelu', [x], F.leaky_relu(wide).to(narrow))
        case('leakyRelu', [x, 0.2], F.leaky_relu(wide, 0.2).to(narrow))
for method, function in {'elu': F.elu, 'leakyRelu': F.leaky_relu}.items():
    case(method, [SPECIAL], function(SPECIAL))

path = pathlib.Path(__file__).with_name('ops.json')
path.write_text('[\n' + ',\n'.join(json.dumps(c) for c in cases) + '\n]\n')
print(len(cases), 'cases')
