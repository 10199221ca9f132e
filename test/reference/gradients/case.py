"""A case: one ONNX node, its inputs, and what PyTorch's autograd gives in float64 for a weighted sum of its results."""
import json
import pathlib

import torch

FOLDER = pathlib.Path(__file__).parents[2] / 'fixtures' / 'gradients' / 'operators'
TYPES = {torch.float64: 'float32', torch.float32: 'float32', torch.int64: 'int64', torch.int32: 'int32', torch.uint8: 'uint8',
         torch.int8: 'int8', torch.bool: 'bool'}
generator = torch.Generator().manual_seed(17)
cases = []


def rand(*dims, low=-2.0, high=2.0):
    """Numbers of three decimals, all different enough for finite steps and for which is the largest."""
    return ((torch.rand(dims, generator=generator, dtype=torch.float64) * (high - low) + low) * 1000).round() / 1000


def ints(*values, dims=None, dtype=torch.int64):
    t = torch.tensor(values, dtype=dtype)
    return t if dims is None else t.reshape(dims)


class Constant:
    """An input that is an initializer of the model."""

    def __init__(self, tensor):
        self.tensor = tensor


BOUNDS = {torch.uint8: (0, 255), torch.int8: (-128, 127)}


def quantise(x, scale, zero, dtype, axis=None):
    """x as integers. Rounding is straight through, and what is clipped has no gradient."""
    if axis is not None:
        shape = [-1 if i == axis % x.ndim else 1 for i in range(x.ndim)]
        scale, zero = scale.reshape(shape), zero.reshape(shape)
    moved = x / scale + zero
    rounded = torch.round(x.detach() / scale) + zero
    low, high = BOUNDS[dtype]
    straight = moved + (rounded - moved).detach()
    return torch.where((rounded >= low) & (rounded <= high), straight, rounded.clamp(low, high))


class Quantised:
    """An input that the operator gets as integers: a QuantizeLinear of this tensor."""

    def __init__(self, tensor, scale, zero, dtype=torch.uint8):
        self.tensor, self.scale, self.zero, self.dtype = tensor, scale, zero, dtype


def numbers(tensor):
    values = tensor.flatten().tolist()
    return [float(f'{v:.7g}') if isinstance(v, float) else int(v) for v in values]


def encode(tensor):
    return {'type': TYPES[tensor.dtype], 'dims': list(tensor.shape), 'data': numbers(tensor)}


def attribute(value):
    if isinstance(value, str):
        return {'string': value}
    if isinstance(value, (list, tuple)) and isinstance(value[0], str):
        return {'strings': list(value)}
    if isinstance(value, (list, tuple)):
        return {'floats': list(value)} if any(isinstance(v, float) for v in value) else {'ints': list(value)}
    return {'float': value} if isinstance(value, float) else {'int': int(value)}


def extra(given):
    if isinstance(given, Constant):
        return {'constant': True}
    if isinstance(given, Quantised):
        return {'quantised': {'scale': given.scale, 'zero': given.zero, 'type': TYPES[given.dtype]}}
    return {}


def case(op, function, inputs, attributes=None, opset=17, domain='', of=None, at=None, about=''):
    """`function` is the operator in PyTorch: it takes the inputs that are not None, and gives one result, or a list in which None is a result
    that has no gradient. `at`: the numbers of the inputs whose gradient is asked for, by default all that are floating point."""
    tensors = [i.tensor if isinstance(i, (Constant, Quantised)) else i for i in inputs]
    at = [n for n, t in enumerate(tensors) if t is not None and t.dtype == torch.float64] if at is None else at
    leaves = [t.clone().requires_grad_() if n in at else t for n, t in enumerate(tensors)]
    given = [quantise(t, i.scale, i.zero, i.dtype) if isinstance(i, Quantised) else t for i, t in zip(inputs, leaves)]
    results = function(*[t for t in given if t is not None])
    results = list(results) if isinstance(results, (list, tuple)) else [results]
    weights = [None if r is None else rand(*r.shape) for r in results]
    total = sum((r * w).sum() for r, w in zip(results, weights) if r is not None)
    gradients = torch.autograd.grad(total, [leaves[n] for n in at], allow_unused=True)
    gradients = [torch.zeros_like(leaves[n]) if g is None else g for n, g in zip(at, gradients)]
    entry = {'op': op, 'opset': opset}
    if domain:
        entry['domain'] = domain
    if about:
        entry['about'] = about
    if attributes:
        entry['attributes'] = {k: attribute(v) for k, v in attributes.items()}
    entry['inputs'] = [None if t is None else {**encode(t), **extra(i)}
                       for i, t in zip(inputs, tensors)]
    entry['weights'] = [None if w is None else encode(w) for w in weights]
    entry['total'] = float(f'{total.item():.7g}')
    entry['gradients'] = {str(n): numbers(g) for n, g in zip(at, gradients)}
    cases.append(entry)


def write(family):
    """Writes the cases of a family, one a line."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    lines = ',\n'.join(json.dumps(entry, separators=(',', ':')) for entry in cases)
    (FOLDER / f'{family}.json').write_text(f'[\n{lines}\n]\n')
    print(family, len(cases))
    cases.clear()
