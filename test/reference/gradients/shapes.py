"""Operators that move elements."""
import torch
import torch.nn.functional as F

from case import Constant, case, ints, rand, write


def make():
    for shape in ((6, 4), (2, -1), (0, -1), (-1,), (2, 3, 2, 2)):
        case('Reshape', lambda x, s: x.reshape([x.shape[i] if d == 0 else d for i, d in enumerate(shape)]), [rand(2, 3, 4), ints(*shape)], opset=14)
    case('Reshape', lambda x, s: x.reshape(4, 6), [rand(2, 3, 4), Constant(ints(4, 6))], opset=11)
    for axis in (0, 1, 2, -1):
        case('Flatten', lambda x: x.reshape(x.shape[:axis].numel() if axis else 1, -1), [rand(2, 3, 4)], {'axis': axis}, opset=13)
    case('Squeeze', lambda x, a: x.squeeze(1), [rand(2, 1, 3), ints(1)], opset=13)
    case('Squeeze', lambda x: x.reshape(2, 3), [rand(2, 1, 3, 1)], {'axes': [1, -1]}, opset=11)
    case('Unsqueeze', lambda x, a: x.reshape(2, 1, 3, 1), [rand(2, 3), ints(1, -1)], opset=13)
    case('Unsqueeze', lambda x: x.reshape(1, 2, 3), [rand(2, 3)], {'axes': [0]}, opset=11)
    case('Transpose', lambda x: x.permute(2, 1, 0), [rand(2, 3, 4)], opset=13)
    case('Transpose', lambda x: x.permute(1, 2, 0), [rand(2, 3, 4)], {'perm': [1, 2, 0]}, opset=13)
    for dims, to in (((2, 1), (2, 3)), ((3,), (2, 3)), ((1, 3), (2, 1, 1)), ((), (2, 2))):
        case('Expand', lambda x, s: x.expand(torch.broadcast_shapes(x.shape, to)), [rand(*dims), ints(*to)], opset=13)
        case('Expand', lambda x, s: x.expand(torch.broadcast_shapes(x.shape, to)), [rand(*dims), Constant(ints(*to))], opset=13)
    for repeats in ((2, 1), (1, 3), (2, 2)):
        case('Tile', lambda x, r: x.tile(repeats), [rand(2, 3), ints(*repeats)], opset=13)
    for axis in (0, -1):
        case('Concat', lambda *all: torch.cat(all, axis), [rand(2, 3), rand(2, 3), Constant(rand(2, 3))], {'axis': axis}, opset=13)
    case('Concat', lambda *all: torch.cat(all, 1), [rand(2, 1), rand(2, 3), rand(2, 2)], {'axis': 1}, opset=11)
    case('Split', lambda x, s: x.split((1, 2, 1), 1), [rand(2, 4), ints(1, 2, 1)], {'axis': 1}, opset=13)
    case('Split', lambda x, s: x.split((1, 3), 1), [rand(2, 4), Constant(ints(1, 3))], {'axis': -1}, opset=13)
    case('Split', lambda x: x.split((2, 1), 0), [rand(3, 2)], {'split': [2, 1]}, opset=11)
    case('Split', lambda x: [x.split((2, 2), 1)[0], None], [rand(2, 4)], {'axis': 1, 'num_outputs': 2}, opset=18, about='one part used')
    for upper in (0, 1):
        case('Trilu', torch.triu if upper else torch.tril, [rand(2, 3, 3)], {'upper': upper}, opset=14)
        case('Trilu', lambda x, k: (torch.triu if upper else torch.tril)(x, 1), [rand(3, 4), ints(1, dims=())], {'upper': upper}, opset=14)
    for mode in ('DCR', 'CRD'):
        def to_space(x):
            if mode == 'CRD':
                return F.pixel_shuffle(x, 2)
            b, c, h, w = x.shape
            return x.reshape(b, 2, 2, c // 4, h, w).permute(0, 3, 4, 1, 5, 2).reshape(b, c // 4, 2 * h, 2 * w)
        case('DepthToSpace', to_space, [rand(2, 8, 2, 3)], {'blocksize': 2, 'mode': mode}, opset=13)
    case('DepthToSpace', lambda x: x.reshape(1, 2, 2, 1, 2, 2).permute(0, 3, 4, 1, 5, 2).reshape(1, 1, 4, 4), [rand(1, 4, 2, 2)], {'blocksize': 2}, opset=11)

    def to_depth(x):
        b, c, h, w = x.shape
        return x.reshape(b, c, h // 2, 2, w // 2, 2).permute(0, 3, 5, 1, 2, 4).reshape(b, c * 4, h // 2, w // 2)
    case('SpaceToDepth', to_depth, [rand(2, 2, 4, 6)], {'blocksize': 2}, opset=13)
    pads = ints(1, 2, 0, 1)
    case('Pad', lambda x, p: F.pad(x, (2, 1, 1, 0)), [rand(2, 3), pads], opset=13)
    case('Pad', lambda x, p, v: F.pad(x, (2, 1, 1, 0), value=3.0), [rand(2, 3), Constant(pads), Constant(torch.tensor(3.0, dtype=torch.float64))], opset=11, at=[0])
    case('Pad', lambda x, p, v: torch.where(F.pad(torch.ones_like(x), (2, 1, 1, 0)) == 1, F.pad(x, (2, 1, 1, 0)), v), [rand(2, 3), pads, rand()], opset=13)
    case('Pad', lambda x, p: F.pad(x, (-1, 1, 0, -1)), [rand(3, 4), ints(0, -1, -1, 1)], opset=13, about='negative')
    case('Pad', lambda x, p, v, a: F.pad(x, (2, 1)), [rand(2, 3), ints(2, 1), None, ints(-1)][:2] + [Constant(torch.tensor(0.0, dtype=torch.float64)), ints(-1)],
         opset=18, at=[0], about='with axes')
    for mode, name in (('reflect', 'reflect'), ('edge', 'replicate'), ('wrap', 'circular')):
        case('Pad', lambda x, p: F.pad(x, (2, 1, 1, 1), mode=name), [rand(1, 2, 3, 4), ints(0, 0, 1, 2, 0, 0, 1, 1)], {'mode': mode}, opset=19 if mode == 'wrap' else 13)
    for scale in (2.0, 1.5, 0.5):
        case('Resize', lambda x, s: F.interpolate(x, scale_factor=scale, mode='nearest'), [rand(1, 2, 4, 6), None, Constant(torch.tensor([1.0, 1.0, scale, scale], dtype=torch.float64))],
             {'mode': 'nearest', 'coordinate_transformation_mode': 'asymmetric', 'nearest_mode': 'floor'}, opset=13, at=[0])
        case('Resize', lambda x, s: F.interpolate(x, scale_factor=scale, mode='bilinear', align_corners=False, recompute_scale_factor=False),
             [rand(1, 2, 4, 6), None, Constant(torch.tensor([1.0, 1.0, scale, scale], dtype=torch.float64))], {'mode': 'linear', 'coordinate_transformation_mode': 'half_pixel'}, opset=13, at=[0])
    for corners, mode in ((True, 'align_corners'), (False, 'pytorch_half_pixel')):
        case('Resize', lambda x, s: F.interpolate(x, size=(7, 3), mode='bilinear', align_corners=corners), [rand(1, 2, 4, 5), None, None, Constant(ints(1, 2, 7, 3))],
             {'mode': 'linear', 'coordinate_transformation_mode': mode}, opset=13, at=[0])
    case('Resize', lambda x, s: F.interpolate(x, size=(7, 3), mode='bicubic', align_corners=True), [rand(1, 1, 4, 5), None, None, Constant(ints(1, 1, 7, 3))],
         {'mode': 'cubic', 'coordinate_transformation_mode': 'align_corners'}, opset=13, at=[0])
    case('Resize', lambda x, s: F.interpolate(x, size=(8, 10), mode='nearest'), [rand(1, 2, 4, 5), None, None, Constant(ints(8, 10))],
         {'mode': 'nearest', 'coordinate_transformation_mode': 'asymmetric', 'nearest_mode': 'floor', 'axes': [2, 3]}, opset=18, at=[0])
    case('Resize', lambda x, r, s: F.interpolate(x, scale_factor=2, mode='bilinear'), [rand(1, 2, 2, 3), Constant(torch.zeros(0, dtype=torch.float64)),
         Constant(torch.tensor([1.0, 1.0, 2.0, 2.0], dtype=torch.float64))], {'mode': 'linear'}, opset=11, at=[0])
    case('Upsample', lambda x, s: F.interpolate(x, scale_factor=2, mode='nearest'), [rand(1, 2, 2, 3), Constant(torch.tensor([1.0, 1.0, 2.0, 2.0], dtype=torch.float64))],
         {'mode': 'nearest'}, opset=9, at=[0])
    case('Resize', lambda x, s: F.interpolate(x, scale_factor=2, mode='nearest'), [rand(1, 2, 2, 3), Constant(torch.tensor([1.0, 1.0, 2.0, 2.0], dtype=torch.float64))],
         {'mode': 'nearest'}, opset=10, at=[0])
    write('shapes')
