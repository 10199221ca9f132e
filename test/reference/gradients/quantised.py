"""Quantisers and products of integers, straight through: rounding has the gradient of the identity, and what is clipped has none."""
import torch
import torch.nn.functional as F

from case import Constant, Quantised, case, generator, ints, quantise, rand, write


def number(value):
    return Constant(torch.tensor(value, dtype=torch.float64))


def zero(value, dtype=torch.uint8):
    return Constant(torch.tensor(value, dtype=dtype))


def make():
    x = lambda: rand(3, 4)
    scales = torch.tensor([0.0213, 0.0307, 0.01], dtype=torch.float64)
    case('QuantizeLinear', lambda x, s, z: quantise(x, s, z, torch.uint8), [x(), number(0.01), zero(100)], opset=13, at=[0])
    case('QuantizeLinear', lambda x, s, z: quantise(x, s, z, torch.int8), [x(), number(0.05), zero(3, torch.int8)], opset=21, at=[0])
    case('QuantizeLinear', lambda x, s: quantise(x, s, 0, torch.uint8), [x(), number(0.0213)], opset=13, at=[0])
    case('QuantizeLinear', lambda x, s, z: quantise(x, s, z, torch.uint8, 0), [x(), scales, Constant(ints(90, 120, 3, dtype=torch.uint8))], {'axis': 0}, opset=13)
    q = torch.arange(0, 240, 20, dtype=torch.uint8).reshape(3, 4)
    case('DequantizeLinear', lambda q, s, z: (q.double() - z.double()) * s, [q, torch.tensor(0.0213, dtype=torch.float64), zero(9)], opset=13)
    case('DequantizeLinear', lambda q, s, z: (q - z.double()) * s, [Quantised(x(), 0.0213, 110), torch.tensor(0.0213, dtype=torch.float64), zero(110)], opset=13)
    case('DequantizeLinear', lambda q, s, z: (q - z.double()[:, None]) * s[:, None], [Quantised(x(), 0.0213, 110), scales, Constant(ints(9, 12, 3, dtype=torch.uint8))],
         {'axis': 0}, opset=13)

    def dynamic(x):
        low, high = min(x.min().item(), 0), max(x.max().item(), 0)
        scale = torch.tensor((high - low) / 255, dtype=torch.float32).double()
        zero = torch.round(-low / scale).clamp(0, 255)
        return [quantise(x, scale, zero, torch.uint8), None, None]
    case('DynamicQuantizeLinear', dynamic, [x()], opset=11)

    a, b = lambda: Quantised(rand(2, 3), 0.0213, 120), lambda: Quantised(rand(3, 4), 0.0307, 2, torch.int8)
    case('MatMulInteger', lambda a, b, za, zb: (a - 110) @ (b - 2), [a(), b(), zero(110), zero(2, torch.int8)], opset=13)
    case('MatMulInteger', lambda a, b: a @ b, [a(), b()], opset=11)
    case('MatMulInteger', lambda a, b, za, zb: (a - 110) @ (b - zb.double()), [a(), b(), zero(110), Constant(ints(1, 0, 2, 3, dtype=torch.int8))], opset=13)
    image, kernel = lambda: Quantised(rand(1, 2, 4, 4), 0.0213, 120), lambda: Quantised(rand(3, 2, 2, 2), 0.0213, 120)
    case('ConvInteger', lambda x, w, zx, zw: F.conv2d(x - 110, w - 100), [image(), kernel(), zero(110), zero(100)], opset=13)
    y = lambda real, scale, z, dtype=torch.uint8: quantise(real, scale, z, dtype)
    real = lambda q, scale, z: (q - z) * scale
    case('QLinearMatMul', lambda *all: y(real(all[0], 0.0213, 120) @ real(all[3], 0.0307, 110), 0.1017, 128),
         [a(), number(0.0213), zero(120), Quantised(rand(3, 4), 0.0307, 110), number(0.0307), zero(110), number(0.1017), zero(128)], opset=13, at=[0, 3])
    for top in (0.2, 0.04):
        case('QLinearConv', lambda *all: y(F.conv2d(real(all[0], 0.0213, 120), real(all[3], 0.0213, 120)), top, 128),
             [image(), number(0.0213), zero(120), kernel(), number(0.0213), zero(120), number(top), zero(128)], opset=13, at=[0, 3])
    microsoft = {'domain': 'com.microsoft', 'opset': 17}
    for op, f in (('QLinearAdd', torch.add), ('QLinearMul', torch.mul)):
        case(op, lambda *all: y(f(real(all[0], 0.0213, 120), real(all[3], 0.0213, 110)), 0.05, 128),
             [a(), number(0.0213), zero(120), Quantised(rand(1, 3), 0.0213, 110), number(0.0213), zero(110), number(0.05), zero(128)], at=[0, 3], **microsoft)
    case('QLinearSigmoid', lambda a, *_: y(real(a, 0.0213, 120).sigmoid(), 1 / 256, 0), [a(), number(0.0213), zero(120), number(1 / 256), zero(0)], at=[0], **microsoft)
    case('QLinearLeakyRelu', lambda a, *_: y(F.leaky_relu(real(a, 0.0213, 120), 0.1), 0.0213, 100), [a(), number(0.0213), zero(120), number(0.0213), zero(100)],
         {'alpha': 0.1}, at=[0], **microsoft)
    case('QLinearConcat', lambda ys, yz, a, *rest: y(torch.cat([real(a, 0.0213, 120), real(rest[2], 0.0307, 110)], 1), 0.0213, 128),
         [number(0.0213), zero(128), a(), number(0.0213), zero(120), Quantised(rand(2, 2), 0.0307, 110), number(0.0307), zero(110)], {'axis': 1}, at=[2, 5], **microsoft)
    case('QLinearGlobalAveragePool', lambda x, *_: y(real(x, 0.0213, 120).mean((2, 3), keepdim=True), 0.01, 128),
         [image(), number(0.0213), zero(120), number(0.01), zero(128)], {'channels_last': 0}, at=[0], **microsoft)
    case('MatMulIntegerToFloat', lambda a, b, *rest: real(a, 0.0213, 120) @ real(b, 0.0307, 2) + rest[-1],
         [a(), b(), number(0.0213), number(0.0307), zero(120), zero(2, torch.int8), rand(4)], at=[0, 1, 6], **microsoft)
    case('DynamicQuantizeMatMul', lambda a, b, *rest: a @ real(b, 0.0307, 2) + rest[-1],
         [torch.tensor([[0.0, 2.55, 1.0], [0.5, 0.25, 2.0]], dtype=torch.float64), b(), number(0.0307), zero(2, torch.int8), rand(4)], at=[0, 1, 4], **microsoft)
    case('QGemm', lambda *all: y(real(all[0], 0.0213, 120) @ real(all[3], 0.0307, 110).T, 0.1017, 128),
         [a(), number(0.0213), zero(120), Quantised(rand(4, 3), 0.0307, 110), number(0.0307), zero(110), None, number(0.1017), zero(128)], {'transB': 1}, at=[0, 3], **microsoft)
    case('MaxPool', lambda q: F.max_pool1d(q, 2, 1), [Quantised(rand(1, 2, 4), 0.0213, 120)], {'kernel_shape': [2]}, opset=13)
    case('Reshape', lambda q, s: q.reshape(2, 6), [Quantised(x(), 0.0213, 120), Constant(ints(2, 6))], opset=13)
    case('Concat', lambda a, b: torch.cat([a, b], 1), [Quantised(x(), 0.0213, 120), Quantised(x(), 0.0307, 120)], {'axis': 1}, opset=13)
    case('QLinearSoftmax', lambda a, *_: y(real(a, 0.0213, 120).softmax(-1), 1 / 256, 0), [a(), number(0.0213), zero(120), number(1 / 256), zero(0)], {'axis': -1, 'opset': 13},
         at=[0], **microsoft)
    case('QLinearSoftmax', lambda a, *_: y(real(a, 0.0213, 120).softmax(0), 1 / 256, 0), [a(), number(0.0213), zero(120), number(1 / 256), zero(0)], {'axis': 0, 'opset': 13},
         at=[0], **microsoft)

    def spread(p, like, axis, block):
        return p.repeat_interleave(block, axis).narrow(axis, 0, like.shape[axis])
    for axis, block, scale_dims in ((1, 3, (3, 2)), (0, 2, (2, 4)), (-1, 2, (3, 2))):
        at, size = axis % 2, scale_dims
        s = lambda: rand(*size, low=0.01, high=0.03)
        z = lambda: Constant(torch.randint(100, 130, size, generator=generator, dtype=torch.uint8))
        attributes = {'axis': axis, 'block_size': block}
        case('QuantizeLinear', lambda x, s, z: quantise(x, spread(s, x, at, block), spread(z.double(), x, at, block), torch.uint8), [x(), s(), z()], attributes, opset=21)
        case('DequantizeLinear', lambda q, s, z: (q - spread(z.double(), q, at, block)) * spread(s, q, at, block), [Quantised(x(), 0.0213, 110), s(), z()],
             attributes, opset=21)
        case('DequantizeLinear', lambda q, s: q * spread(s, q, at, block), [Quantised(x(), 0.0213, 110), s()], attributes, opset=21)
    write('quantised')
