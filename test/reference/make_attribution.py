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


def edges(steps):
    """EAP and EAP-IG by their definition: each head's query, key and value, and each MLP, reads a copy of the stream of its own."""
    w, h, d, t = chars.w, chars.heads, chars.width // chars.heads, len(clean)

    def run(embeds):
        leaves, sent = [], []

        def copy(x):
            leaves.append(torch.zeros_like(x, requires_grad=True))
            return x + leaves[-1]
        x = embeds + w['transformer.wpe.weight'][:t]
        sent.append(x)
        for i in range(chars.layers):
            p = f'transformer.h.{i}.'
            parts = [torch.stack([chars.norm(copy(x), p + 'ln_1')[0] @ w[p + 'attn.c_attn.weight'][:, n * chars.width + j * d:n * chars.width + (j + 1) * d]
                                  + w[p + 'attn.c_attn.bias'][n * chars.width + j * d:n * chars.width + (j + 1) * d] for j in range(h)], 2) for n in range(3)]
            q, k, v = parts
            scores = torch.einsum('bqhd,bkhd->bhqk', q, k) / d ** 0.5
            scores = scores.masked_fill(torch.ones(t, t).triu(1).bool(), float('-inf'))
            z = torch.einsum('bhqk,bkhd->bqhd', scores.softmax(-1), v)
            results = torch.einsum('bqhd,hdw->bqhw', z, w[p + 'attn.c_proj.weight'].view(h, d, -1))
            sent += [results[:, :, j] for j in range(h)]
            x = x + results.sum(2) + w[p + 'attn.c_proj.bias']
            y = chars.norm(copy(x), p + 'ln_2')[0] @ w[p + 'mlp.c_fc.weight'] + w[p + 'mlp.c_fc.bias']
            y = 0.5 * y * (1 + torch.tanh((2 / torch.pi) ** 0.5 * (y + 0.044715 * y ** 3)))
            sent.append(y @ w[p + 'mlp.c_proj.weight'] + w[p + 'mlp.c_proj.bias'])
            x = x + sent[-1]
        value = metric(chars.unembed(copy(x)))
        return value, leaves, torch.cat(sent)
    a, b = (w['transformer.wte.weight'][torch.tensor([ids])] for ids in (clean, corrupted))
    moved = run(b)[2] - run(a)[2]
    total = 0
    for step in range(steps):
        value, leaves, _ = run(a + (b - a) * step / steps)
        total = total + torch.cat(torch.autograd.grad(value.sum(), leaves)) / steps
    return (moved.flatten(1) @ total.flatten(1).T).detach()


out = {'edges': [edges(1), edges(3)], 'embed': captum('embed'), 'layer1': captum('resid_post.1'), 'patching': attribution_patching(), 'optimisers': optimisers()}
with open(os.path.join(HERE, 'attribution.json'), 'w') as f:
    json.dump(plain(out), f)
    f.write('\n')
