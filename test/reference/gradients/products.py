"""Products of matrices and einsum."""
import torch

from case import Constant, case, rand, write


def make():
    for a, b in (((3, 4), (4, 2)), ((2, 3, 4), (4, 2)), ((3, 4), (2, 4, 5)), ((2, 1, 3, 4), (5, 4, 2)), ((2, 3, 4), (2, 4, 5)), ((4,), (4, 3)),
                 ((2, 3, 4), (4,)), ((4,), (4,)), ((4,), (2, 4, 3)), ((1, 3, 4), (2, 4, 5)), ((2, 3, 1, 4), (3, 4, 2))):
        case('MatMul', torch.matmul, [rand(*a), rand(*b)], opset=13)
    case('MatMul', torch.matmul, [rand(2, 3, 4), Constant(rand(4, 2))], opset=11)
    case('MatMul', torch.matmul, [Constant(rand(3, 4)), rand(2, 4, 2)], opset=11)
    for ta in (0, 1):
        for tb in (0, 1):
            a, b = rand(4, 3) if ta else rand(3, 4), rand(2, 4) if tb else rand(4, 2)
            gemm = lambda a, b, c=0: 0.5 * ((a.T if ta else a) @ (b.T if tb else b)) + 2.0 * c
            for c in ((3, 2), (2,), (3, 1), (1,), ()):
                case('Gemm', gemm, [a, b, rand(*c)], {'alpha': 0.5, 'beta': 2.0, 'transA': ta, 'transB': tb}, opset=13)
            fused = lambda a, b: 0.5 * ((a.mT if ta else a) @ (b.mT if tb else b))
            case('FusedMatMul', fused, [a, b], {'alpha': 0.5, 'transA': ta, 'transB': tb}, domain='com.microsoft')
            batched = rand(2, 4, 3) if ta else rand(2, 3, 4), rand(2, 2, 4) if tb else rand(2, 4, 2)
            case('FusedMatMul', fused, list(batched), {'alpha': 0.5, 'transA': ta, 'transB': tb}, domain='com.microsoft')
    case('Gemm', lambda a, b: a @ b, [rand(3, 4), rand(4, 2)], opset=13)
    case('Gemm', lambda a, b, c: a @ b.T + c, [rand(3, 4), Constant(rand(2, 4)), Constant(rand(2))], {'transB': 1}, opset=11)
    for equation, dims in (('ij,jk->ik', ((2, 3), (3, 4))), ('bij,bjk->bik', ((2, 2, 3), (2, 3, 2))), ('bhid,bhjd->bhij', ((1, 2, 3, 2), (1, 2, 4, 2))),
                           ('ij->ji', ((2, 3),)), ('ij->i', ((2, 3),)), ('ij->', ((2, 3),)), ('i,j->ij', ((2,), (3,))), ('ij,ij->ij', ((2, 3), (2, 3))),
                           ('ij,kl->i', ((2, 3), (2, 2))), ('ij,jk,kl->il', ((2, 3), (3, 2), (2, 4))), ('ij,jk', ((2, 3), (3, 4))),
                           ('bi,i->b', ((2, 3), (3,))), ('b...i,ij->b...j', ((2, 3, 4), (4, 2))), ('...ij,...jk->...ik', ((2, 2, 3), (2, 3, 2))),
                           ('...ij,jk->...ik', ((2, 2, 3), (3, 2))), (' i j , j k -> i k ', ((2, 3), (3, 4)))):
        case('Einsum', lambda *all: torch.einsum(equation.replace(' ', ''), *all), [rand(*d) for d in dims], {'equation': equation}, opset=12, about=equation)
    write('products')
