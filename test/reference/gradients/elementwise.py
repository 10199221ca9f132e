"""Functions of single elements."""
import torch
import torch.nn.functional as F

from case import Constant, case, ints, rand, write

UNARY = {
    'Identity': lambda x: x * 1, 'Neg': torch.neg, 'Abs': torch.abs, 'Exp': torch.exp, 'Sin': torch.sin, 'Cos': torch.cos, 'Tan': torch.tan,
    'Atan': torch.atan, 'Sinh': torch.sinh, 'Cosh': torch.cosh, 'Tanh': torch.tanh, 'Asinh': torch.asinh, 'Erf': torch.erf,
    'Sigmoid': torch.sigmoid, 'Softplus': F.softplus, 'Softsign': F.softsign, 'Relu': F.relu, 'Sign': torch.sign, 'Floor': torch.floor,
    'Ceil': torch.ceil, 'Round': torch.round, 'Reciprocal': torch.reciprocal,
}
POSITIVE = {'Sqrt': torch.sqrt, 'Log': torch.log}
WITHIN_ONE = {'Asin': torch.asin, 'Acos': torch.acos, 'Atanh': torch.atanh}


def make():
    for op, f in UNARY.items():
        case(op, f, [rand(2, 5)], opset=14)
    for op, f in POSITIVE.items():
        case(op, f, [rand(2, 5, low=0.1)], opset=13)
    for op, f in WITHIN_ONE.items():
        case(op, f, [rand(2, 5, low=-0.9, high=0.9)], opset=13)
    case('Acosh', torch.acosh, [rand(2, 5, low=1.1, high=3)], opset=13)
    case('Mish', F.mish, [rand(2, 5)], opset=18)
    case('Gelu', F.gelu, [rand(2, 5)], opset=20)
    case('Gelu', lambda x: F.gelu(x, approximate='tanh'), [rand(2, 5)], {'approximate': 'tanh'}, opset=20)
    case('HardSwish', F.hardswish, [rand(2, 5, low=-5, high=5)], opset=14)
    for attributes, slope in (({}, 0.01), ({'alpha': 0.3}, 0.3)):
        case('LeakyRelu', lambda x: F.leaky_relu(x, slope), [rand(2, 5)], attributes, opset=16)
    for attributes, alpha in (({}, 1.0), ({'alpha': 0.7}, 0.7)):
        case('Elu', lambda x: F.elu(x, alpha), [rand(2, 5)], attributes, opset=13)
        case('Celu', lambda x: F.celu(x, alpha), [rand(2, 5)], attributes, opset=12)
        case('ThresholdedRelu', lambda x: torch.where(x > alpha, x, 0), [rand(2, 5)], attributes, opset=13)
    case('Selu', F.selu, [rand(2, 5)], opset=13)
    case('Selu', lambda x: 1.5 * torch.where(x > 0, x, 2.0 * (x.exp() - 1)), [rand(2, 5)], {'alpha': 2.0, 'gamma': 1.5}, opset=13)
    case('Shrink', lambda x: F.softshrink(x, 0.5), [rand(2, 5)], {'bias': 0.5}, opset=13)
    case('Shrink', lambda x: F.hardshrink(x, 0.8), [rand(2, 5)], {'lambd': 0.8}, opset=13)
    case('HardSigmoid', lambda x: (0.2 * x + 0.5).clamp(0, 1), [rand(2, 5, low=-4, high=4)], opset=13)
    case('HardSigmoid', lambda x: (0.5 * x + 0.25).clamp(0, 1), [rand(2, 5)], {'alpha': 0.5, 'beta': 0.25}, opset=13)
    case('Dropout', lambda x: x * 1, [rand(2, 5)], opset=13)
    case('Cast', lambda x: x * 1, [rand(2, 5)], {'to': 1}, opset=13)
    case('CastLike', lambda x, y: x * 1, [rand(2, 5), rand(1)], opset=15, at=[0])

    binary = {'Add': torch.add, 'Sub': torch.sub, 'Mul': torch.mul, 'Max': torch.maximum, 'Min': torch.minimum,
              'Sum': torch.add, 'Mean': lambda a, b: (a + b) / 2}
    for op, f in binary.items():
        case(op, f, [rand(2, 3, 4), rand(2, 3, 4)], opset=13)
        case(op, f, [rand(2, 1, 4), rand(3, 1)], opset=13)
        case(op, f, [rand(3), Constant(rand(2, 3, 3))], opset=13)
        case(op, f, [rand(), rand(1, 3)], opset=13)
    for dims in (((2, 3), (2, 3)), ((2, 1, 3), (4, 1)), ((3,), (1,)), ((), (2, 1))):
        case('Div', torch.div, [rand(*dims[0]), rand(*dims[1], low=0.3)], opset=14)
        case('Pow', torch.pow, [rand(*dims[0], low=0.2), rand(*dims[1])], opset=15)
        case('Mod', torch.fmod, [rand(*dims[0], low=-7, high=7), rand(*dims[1], low=0.5, high=2.5)], {'fmod': 1}, opset=13)
    for p in (2.0, 3.0, 0.5, -1.0, 0.0, 1.0):
        case('Pow', torch.pow, [rand(2, 3, low=0.2), Constant(torch.tensor(p, dtype=torch.float64))], opset=15, at=[0], about=f'^{p}')
    for p in (2.0, 3.0, 4.0):
        case('Pow', torch.pow, [rand(2, 3), Constant(torch.tensor(p, dtype=torch.float64))], opset=15, at=[0], about=f'of negatives ^{p}')
    case('Pow', lambda x, p: torch.pow(x, p), [rand(2, 3), ints(2, 3, 1)], opset=15)
    case('Pow', torch.pow, [torch.tensor([0.0, 1.0, 2.0], dtype=torch.float64), Constant(torch.tensor(2.0, dtype=torch.float64))], at=[0],
         about='at 0')
    case('Pow', torch.pow, [torch.tensor([0.0, 1.0, 2.0], dtype=torch.float64), torch.tensor([0.0, 1.0, 2.0], dtype=torch.float64)],
         at=[0], about='at 0, by computed exponents')
    for n in (1, 3):
        case('Max', lambda *all: torch.stack([a.expand(2, 3) for a in all]).amax(0), [rand(2, 3), rand(3), rand(2, 1)][:n], opset=13)
        case('Min', lambda *all: torch.stack([a.expand(2, 3) for a in all]).amin(0), [rand(2, 3), rand(3), rand(2, 1)][:n], opset=13)
        case('Sum', lambda *all: sum(all), [rand(2, 3), rand(3), rand(2, 1)][:n], opset=13)
        case('Mean', lambda *all: sum(all) / len(all), [rand(2, 3), rand(3), rand(2, 1)][:n], opset=13)
    ties = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)
    case('Max', torch.maximum, [ties, ties.flip(0)], opset=13, about='ties')
    case('Where', torch.where, [torch.tensor([[True, False, True]]), rand(2, 3), rand(2, 1)], opset=16)
    case('Where', torch.where, [torch.tensor([[True], [False]]), rand(), rand(3)], opset=16)
    for slope in ((2, 3), (3,), (1,), (2, 1)):
        case('PRelu', lambda x, a: torch.where(x > 0, x, x * a), [rand(2, 3), rand(*slope)], opset=16)
    case('PRelu', lambda x, a: torch.where(x > 0, x, x * a), [rand(2, 3, 4), Constant(rand(3, 1))], opset=11)
    low, high = (Constant(torch.tensor(v, dtype=torch.float64)) for v in (-0.5, 0.7))
    case('Clip', lambda x, a, b: x.clamp(-0.5, 0.7), [rand(3, 4), low, high], opset=13, at=[0])
    case('Clip', lambda x, a: x.clamp(min=-0.5), [rand(3, 4), low], opset=12, at=[0])
    case('Clip', lambda x, b: x.clamp(max=0.7), [rand(3, 4), None, high], opset=11, at=[0])
    case('Clip', lambda x: x.clamp(-0.5, 0.7), [rand(3, 4)], {'min': -0.5, 'max': 0.7}, opset=10)
    case('Clip', lambda x, a, b: torch.clamp(x, a, b), [rand(3, 4), torch.tensor(-0.5, dtype=torch.float64),
                                                       torch.tensor(0.7, dtype=torch.float64)], opset=13)
    write('elementwise')
