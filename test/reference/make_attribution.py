"""Makes test/reference/attribution.json: attributions by Captum, attribution patching and the steps of optimisers, in PyTorch (float64).

/usr/bin/python3 test/reference/make_attribution.py    (Debian's python3-torch 1.13 and python3-onnx, and captum 0.9: pip install --no-deps captum tqdm)
"""
import json
import os

import torch
from captum.attr import InputXGradient, IntegratedGradients, Saliency

from make_studies import ANSWER, CLEAN, CORRUPTED, HERE, OTHER, chars, encode, plain

clean, corrupted = encode(CLEAN), encode(CORRUPTED)
metric = lambda logits: logits[:, -1, ANSWER] - logits[:, -1, OTHER]


def of_place(place):
    """The metric as a function of the value at a place, and that value."""
    value = chars.run([clean])[1][place].detach()

    def forward(rows):
        out = []
        for row in rows:
            out.append(metric(chars.run([clean], lambda name, v: row[None] if name == place else None)[0]))
        return torch.cat(out)
    return forward, value


def captum(place):
    forward, value = of_place(place)
    integrated, delta = IntegratedGradients(forward).attribute(value, n_steps=16, return_convergence_delta=True)
    middle = IntegratedGradients(forward).attribute(value, baselines=torch.full_like(value, 0.01), n_steps=8, method='riemann_middle')
    return {'saliency': Saliency(forward).attribute(value)[0].norm(dim=-1), 'gradient_times_input': InputXGradient(forward).attribute(value)[0].sum(-1),
            'integrated': integrated[0].sum(-1), 'integrated_elements': integrated[0, 3, :6], 'delta': delta[0], 'middle': middle[0].sum(-1)}


def watched(ids, names):
    """The metric's gradient at many places of one run, and the values there."""
    leaves = {}

    def hook(name, value):
        if name in names:
            # A value of 0 that is added is as good as the place: its gradient is the place's.
            leaves[name] = torch.zeros_like(value, requires_grad=True)
            return value + leaves[name]
    logits, seen = chars.run([ids], hook)
    value = metric(logits)
    grads = torch.autograd.grad(value.sum(), [leaves[n] for n in names])
    return value[0], dict(zip(names, grads)), seen


def attribution_patching():
    out = {}
    for key, place, dims in (('residual', 'resid_pre', (0, 3)), ('attention', 'attn_out', (0, 3)), ('mlp', 'mlp_out', (0, 3)), ('head', 'z', (0, 1, 3)), ('value', 'v', (0, 1, 3)), ('pattern', 'pattern', (0, 2, 3))):
        names = [f'{place}.{i}' for i in range(chars.layers)]
        _, _, source = watched(clean, names)
        _, grads, own = watched(corrupted, names)
        dims = tuple(d for d in dims if d < source[names[0]].dim())
        if place in ('resid_pre', 'attn_out', 'mlp_out'):
            dims = (0, 2)
        out[key] = torch.stack([((source[n] - own[n]) * grads[n]).sum(dims) for n in names])
    return out


def optimisers():
    """Five steps each from the same start, on |A x - b|^2."""
    a = torch.tensor([[1., 2.], [3., -1.], [0.5, 1.5]])
    b = torch.tensor([1., -2., 3.])
    kinds = {'sgd': lambda p: torch.optim.SGD(p, lr=0.02), 'momentum': lambda p: torch.optim.SGD(p, lr=0.02, momentum=0.9),
             'nesterov': lambda p: torch.optim.SGD(p, lr=0.02, momentum=0.9, nesterov=True), 'sgd_decay': lambda p: torch.optim.SGD(p, lr=0.02, weight_decay=0.1),
             'adam': lambda p: torch.optim.Adam(p, lr=0.1), 'adam_decay': lambda p: torch.optim.Adam(p, lr=0.1, weight_decay=0.1), 'adamw': lambda p: torch.optim.AdamW(p, lr=0.1, weight_decay=0.1)}
    out = {}
    for name in [*kinds, 'clipped', 'cosine']:
        x = torch.tensor([0.5, -0.5], requires_grad=True)
        optimiser = kinds.get(name, kinds['adam'])([x])
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, 5) if name == 'cosine' else None
        steps = []
        for _ in range(5):
            optimiser.zero_grad()
            ((a @ x - b) ** 2).sum().backward()
            if name == 'clipped':
                torch.nn.utils.clip_grad_norm_([x], 1.0)
            optimiser.step()
            if schedule:
                schedule.step()
            steps.append(x.detach().clone())
        out[name] = torch.stack(steps)
    return {'a': a, 'b': b, 'closed': torch.linalg.lstsq(a, b[:, None]).solution[:, 0], **out}


out = {'embed': captum('embed'), 'layer1': captum('resid_post.1'), 'patching': attribution_patching(), 'optimisers': optimisers()}
with open(os.path.join(HERE, 'attribution.json'), 'w') as f:
    json.dump(plain(out), f)
    f.write('\n')
