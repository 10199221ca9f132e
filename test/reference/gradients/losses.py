"""Losses."""
import torch
import torch.nn.functional as F

from case import case, ints, rand, write


def make():
    for dims, labels in (((3, 4), ints(0, 3, 1)), ((2, 3, 2), ints(0, 2, 1, 2, dims=(2, 2)))):
        for reduction in ('mean', 'sum', 'none'):
            for weighted in (False, True):
                more = [rand(dims[1], low=0.2)] if weighted else []
                f = lambda x, t, w=None: F.cross_entropy(x, t, w, reduction=reduction)
                case('SoftmaxCrossEntropyLoss', f, [rand(*dims), labels, *more], {'reduction': reduction}, opset=13, at=[0])
                nll = lambda x, t, w=None: F.nll_loss(x, t, w, reduction=reduction)
                case('NegativeLogLikelihoodLoss', nll, [rand(*dims), labels, *more], {'reduction': reduction}, opset=13, at=[0])
    both = lambda x, t: [F.cross_entropy(x, t, ignore_index=1), x.log_softmax(1)]
    case('SoftmaxCrossEntropyLoss', both, [rand(3, 4), ints(0, 1, 2)], {'ignore_index': 1}, opset=13)
    case('NegativeLogLikelihoodLoss', lambda x, t: F.nll_loss(x, t, ignore_index=1), [rand(3, 4), ints(0, 1, 2)], {'ignore_index': 1}, opset=13)
    write('losses')
