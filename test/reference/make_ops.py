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


def encode(x):
    if isinstance(x, torch.Tensor):
        return {'tensor': NAMES[x.dtype], 'dims': list(x.shape), 'data': [number(v) for v in x.flatten().tolist()]}
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
