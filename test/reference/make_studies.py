"""Makes test/reference/studies.json: what the studies of onnsight/study must give, computed in PyTorch (float64) by their definitions.

/usr/bin/python3 test/reference/make_studies.py    (Debian's python3-torch 1.13 and python3-onnx)

The models are test/fixtures/models/chars.onnx and induction.onnx, whose weights are read from the files and run by the code below. Head
scores, attribution and patching follow TransformerLens (head_detector.py, ActivationCache.logit_attrs, patching.py).
"""
import json
import math
import os

import onnx
import torch
from onnx import numpy_helper

torch.set_default_dtype(torch.float64)
HERE = os.path.dirname(os.path.abspath(__file__))
MODELS = os.path.join(HERE, '../fixtures/models')


class Model:
    def __init__(self, name, heads):
        self.w = {}
        for t in onnx.load(os.path.join(MODELS, name + '.onnx')).graph.initializer:
            value = torch.from_numpy(numpy_helper.to_array(t).copy())
            if value.is_floating_point():
                value = value.double()
            self.w['lm_head' if t.name.startswith('onnx::MatMul') else t.name] = value
        if 'lm_head' not in self.w:
            self.w['lm_head'] = self.w['lm_head.weight'].T if 'lm_head.weight' in self.w else self.w['transformer.wte.weight'].T
        self.heads = heads
        self.layers = 1 + max(int(n.split('.')[2]) for n in self.w if n.startswith('transformer.h.'))
        self.mlp = 'transformer.h.0.mlp.c_fc.weight' in self.w
        self.width = self.w['transformer.wte.weight'].shape[1]

    def norm(self, x, at):
        mean = x.mean(-1, keepdim=True)
        scale = ((x - mean) ** 2).mean(-1, keepdim=True).add(1e-5).sqrt()
        return (x - mean) / scale * self.w[at + '.weight'] + self.w[at + '.bias'], scale

    def unembed(self, x):
        return self.norm(x, 'transformer.ln_f')[0] @ self.w['lm_head']

    def run(self, ids, hook=None):
        """Logits and all activations. hook(name, value) may give another value."""
        seen = {}

        def at(name, value):
            changed = None if hook is None else hook(name, value.clone())
            seen[name] = value if changed is None else changed
            return seen[name]

        ids = torch.tensor(ids)
        b, t = ids.shape
        w, h, d = self.w, self.heads, self.width // self.heads
        x = at('embed', w['transformer.wte.weight'][ids]) + at('pos_embed', w['transformer.wpe.weight'][:t].expand(b, t, -1))
        for i in range(self.layers):
            p = f'transformer.h.{i}.'
            x = at(f'resid_pre.{i}', x)
            q, k, v = (self.norm(x, p + 'ln_1')[0] @ w[p + 'attn.c_attn.weight'] + w[p + 'attn.c_attn.bias']).split(self.width, -1)
            q, k, v = (at(f'{n}.{i}', y.view(b, t, h, d)) for n, y in (('q', q), ('k', k), ('v', v)))
            scores = torch.einsum('bqhd,bkhd->bhqk', q, k) / math.sqrt(d)
            scores = scores.masked_fill(torch.ones(t, t).triu(1).bool(), float('-inf'))
            pattern = at(f'pattern.{i}', scores.softmax(-1))
            z = at(f'z.{i}', torch.einsum('bhqk,bkhd->bqhd', pattern, v))
            out = z.reshape(b, t, -1) @ w[p + 'attn.c_proj.weight'] + w[p + 'attn.c_proj.bias']
            x = at(f'resid_mid.{i}', x + at(f'attn_out.{i}', out))
            if self.mlp:
                y = self.norm(x, p + 'ln_2')[0] @ w[p + 'mlp.c_fc.weight'] + w[p + 'mlp.c_fc.bias']
                y = 0.5 * y * (1 + torch.tanh(math.sqrt(2 / math.pi) * (y + 0.044715 * y ** 3)))
                x = x + at(f'mlp_out.{i}', y @ w[p + 'mlp.c_proj.weight'] + w[p + 'mlp.c_proj.bias'])
            x = at(f'resid_post.{i}', x)
        return self.unembed(x), seen


chars, induction = Model('chars', 4), Model('induction', 4)
vocabulary = json.load(open(os.path.join(MODELS, 'chars.vocab.json')))['chars']
encode = lambda text: [vocabulary.index(c) for c in text]
CLEAN, CORRUPTED = 'KING RICHAR', 'KING HENRY '
ANSWER, OTHER = encode('D')[0], encode('I')[0]
out = {'prompts': {'line': encode('What light through yon'), 'clean': encode(CLEAN), 'corrupted': encode(CORRUPTED)},
       'answers': [ANSWER, OTHER]}


def lens(translate=lambda i, x: x):
    logits, seen = chars.run([out['prompts']['line']])
    states = [seen['resid_pre.0']] + [seen[f'resid_post.{i}'] for i in range(4)]
    logs = torch.stack([chars.unembed(translate(i, x) if i < 4 else x).log_softmax(-1) for i, x in enumerate(states)])
    final, best = logs[-1], logs[-1].argmax(-1, keepdim=True).expand(5, -1, -1, -1)
    followed = logs.gather(-1, best)
    return {'top': logs.topk(3, -1).indices[:, 0], 'probabilities': logs.exp().topk(3, -1).values[:, 0],
            'answer': followed.exp()[:, 0, :, 0], 'ranks': (logs > followed).sum(-1)[:, 0],
            'kl': (final.exp() * (final - logs)).sum(-1)[:, 0], 'entropy': -(logs.exp() * logs).sum(-1)[:, 0]}


def translator(i):
    a, b = torch.meshgrid(torch.arange(128.), torch.arange(128.), indexing='ij')
    return 0.02 * torch.sin(7 * a + 3 * b + i), 0.1 * torch.cos(5 * torch.arange(128.) + i)


def tuned(i, x):
    weight, bias = translator(i)
    return x + x @ weight.T + bias


out['lens'], out['tuned'] = lens(), lens(tuned)


def attribution():
    """ActivationCache.logit_attrs of decompose_resid and stack_head_results, at the last position, with the final norm's scale held."""
    logits, seen = chars.run([out['prompts']['line']])
    _, scale = chars.norm(seen['resid_post.3'][0, -1], 'transformer.ln_f')
    direction = (chars.w['lm_head'][:, ANSWER] - chars.w['lm_head'][:, OTHER]) * chars.w['transformer.ln_f.weight']
    share = lambda x: ((x - x.mean(-1, keepdim=True)) / scale) @ direction
    head = lambda i: torch.stack([share(seen[f'z.{i}'][0, -1, k] @ chars.w[f'transformer.h.{i}.attn.c_proj.weight'][32 * k:32 * k + 32]) for k in range(4)])
    return {'embed': share(seen['embed'][0, -1]), 'pos_embed': share(seen['pos_embed'][0, -1]),
            'attention': torch.stack([share(seen[f'attn_out.{i}'][0, -1]) for i in range(4)]),
            'mlp': torch.stack([share(seen[f'mlp_out.{i}'][0, -1]) for i in range(4)]),
            'heads': torch.stack([head(i) for i in range(4)]),
            'bias': chars.w['transformer.ln_f.bias'] @ (chars.w['lm_head'][:, ANSWER] - chars.w['lm_head'][:, OTHER]),
            'difference': logits[0, -1, ANSWER] - logits[0, -1, OTHER]}


out['attribution'] = attribution()
difference = lambda logits: logits[0, -1, ANSWER] - logits[0, -1, OTHER]


def patching():
    clean, corrupted = [out['prompts']['clean']], [out['prompts']['corrupted']]
    clean_logits, kept = chars.run(clean)
    final = clean_logits[0, -1].log_softmax(-1)
    kl = lambda logits: (final.exp() * (final - logits[0, -1].log_softmax(-1))).sum()

    def sweep(name, index, metric=difference):
        def one(i):
            def hook(at, value):
                if at == i[0]:
                    value[i[1:]] = kept[at][i[1:]]
                    return value
            return metric(chars.run(corrupted, hook)[0])
        return [[one(index(i, j)) for j in range(len(CLEAN) if name == 'position' else 4)] for i in range(4)]

    all_ = slice(None)
    return {'clean': difference(clean_logits), 'corrupted': difference(chars.run(corrupted)[0]),
            'residual': sweep('position', lambda i, p: (f'resid_pre.{i}', all_, p)),
            'attention': sweep('position', lambda i, p: (f'attn_out.{i}', all_, p)),
            'mlp': sweep('position', lambda i, p: (f'mlp_out.{i}', all_, p)),
            'mlp layers': [row[0] for row in sweep('layer', lambda i, j: (f'mlp_out.{i}', all_))],
            'heads': sweep('head', lambda i, k: (f'z.{i}', all_, all_, k)),
            'patterns': sweep('head', lambda i, k: (f'pattern.{i}', all_, k)),
            'values': sweep('head', lambda i, k: (f'v.{i}', all_, all_, k)),
            'kl': sweep('position', lambda i, p: (f'resid_pre.{i}', all_, p), kl)}


def path_patching():
    """Wang et al. 2022: the sender's activation from the corrupted run, all other heads frozen to the clean run, MLPs computed anew."""
    clean, corrupted = [out['prompts']['clean']], [out['prompts']['corrupted']]
    kept, other = chars.run(clean)[1], chars.run(corrupted)[1]

    def to(receiver, layer, head, mlps):
        def first(at, value):
            if at.startswith('z.'):
                value = kept[at].clone()
                if at == f'z.{layer}':
                    value[:, :, head] = other[at][:, :, head]
                return value
            if at.startswith('mlp_out.') and not mlps:
                return kept[at]
        logits, seen = chars.run(clean, first)
        if receiver == 'logits':
            return difference(logits)

        def second(at, value):
            if at == receiver[0]:
                value[:, :, receiver[1]] = seen_at[:, :, receiver[1]]
                return value
        seen_at = seen[receiver[0]]
        return difference(chars.run(clean, second)[0])

    table = lambda receiver, layers, mlps: [[to(receiver, i, k, mlps) for k in range(4)] for i in range(layers)]
    return {'clean': difference(chars.run(clean)[0]), 'logits': table('logits', 4, True), 'residual': table('logits', 4, False),
            'values': table(('v.3', 2), 3, True), 'queries': table(('q.2', 1), 2, True)}


out['patching'], out['path'] = patching(), path_patching()


def scores():
    run = [5, 17, 40, 2, 33, 61, 8, 29, 50, 12, 44, 3, 27, 19, 58]
    ids = run + run + [7, 7, 9]
    _, seen = induction.run([ids])
    t = len(ids)
    same = torch.tensor([[ids[i] == ids[j] and j < i for j in range(t)] for i in range(t)]).double()
    after = torch.zeros(t, t)
    after[:, 1:] = same[:, :-1]
    detect = {'previous': torch.eye(t).roll(1, 0).tril(), 'duplicate': same, 'induction': after.tril()}

    def score(pattern, wanted, bos, current, measure):
        pattern, diff = pattern.clone(), (pattern - wanted).abs()
        for x in (pattern, diff):
            if bos:
                x[:, 0] = 0
            if current:
                x.fill_diagonal_(0)
        return (pattern * wanted).sum() / pattern.sum() if measure == 'mul' else 1 - diff.mean() * t

    def share(pattern, wanted):
        rows = wanted.sum(-1) > 0
        return (pattern * wanted).sum(-1)[rows].mean()
    every = lambda f: [[f(seen[f'pattern.{i}'][0, k]) for k in range(4)] for i in range(2)]
    return {'ids': ids, **{f'{name} {m}{" bos" if bos else ""}{" current" if cur else ""}': every(lambda p: score(p, wanted, bos, cur, m))
                           for name, wanted in detect.items() for m in ('mul', 'abs') for bos in (False, True) for cur in (False, True)},
            **{f'{name} share': every(lambda p: share(p, wanted)) for name, wanted in detect.items()}}


out['scores'] = scores()


def ablation():
    prompt, others = [out['prompts']['line']], [encode('First Citizen: we are'), encode('Good morrow, my lords')]
    _, kept = chars.run(others)
    base = difference(chars.run(prompt)[0])

    def one(name, i, k, how):
        def hook(at, value):
            if at != f'{name}.{i}':
                return None
            part = (slice(None), slice(None)) + (() if k is None else (k,))
            source = {'zero': torch.zeros(()), 'mean': kept[at].mean((0, 1), keepdim=True), 'resample': kept[at][:1]}[how]
            length = value.shape[1]
            if how == 'resample':
                source = torch.cat([source, kept[at][:1]], 1)[:, :length]
            value[part] = source.expand_as(value)[part]
            return value
        return difference(chars.run(prompt, hook)[0])
    return {'base': base, **{f'{how} heads': [[one('z', i, k, how) for k in range(4)] for i in range(4)] for how in ('zero', 'mean')},
            **{f'{how} mlp': [one('mlp_out', i, None, how) for i in range(4)] for how in ('zero', 'mean')},
            **{f'{how} attention': [one('attn_out', i, None, how) for i in range(4)] for how in ('zero', 'mean')}}


out['ablation'] = ablation()


def steering():
    """The direction of pairs at layer 2, by difference and by principal component, and what steering by it does."""
    positive, negative = ['KING RICHARD', 'MY LORD IS D', 'ROMEO: I AM'], ['king richard', 'my lord is d', 'romeo: i am']
    last = lambda text: chars.run([encode(text)])[1]['resid_post.2'][0, -1]
    mean = lambda text: chars.run([encode(text)])[1]['resid_post.2'][0].mean(0)
    rows = torch.stack([last(a) - last(b) for a, b in zip(positive, negative)])
    unit = torch.linalg.svd(rows).Vh[0]
    direction = rows.mean(0)

    def steered(strength):
        text = out['prompts']['line']
        logits = chars.run([text], lambda at, value: value + strength * direction if at == 'resid_post.2' else None)[0][0]
        loss = -logits[:-1].log_softmax(-1).gather(-1, torch.tensor(text[1:])[:, None]).mean()
        return [logits[-1, ANSWER] - logits[-1, OTHER], loss.exp()]
    return {'positive': [encode(t) for t in positive], 'negative': [encode(t) for t in negative], 'difference': direction,
            'mean': torch.stack([mean(a) - mean(b) for a, b in zip(positive, negative)]).mean(0),
            'pca': unit * (rows @ unit).mean(), 'sweep': [steered(s) for s in (-1, 0, 2)]}


out['steering'] = steering()


def autoencoders():
    """The four architectures of SAELens, with weights that a formula gives, on the stream after layer 1, spliced in, and without feature 5."""
    wave = lambda rows, cols, a, b, c: torch.sin(a * torch.arange(float(rows))[:, None] + b * torch.arange(float(cols)) + c) / math.sqrt(rows)
    W_enc, W_dec = wave(128, 96, 1.7, 2.3, 0.1), wave(96, 128, 0.9, 3.1, 0.7)
    row = lambda n, a, c: torch.cos(a * torch.arange(float(n)) + c)
    b_enc, b_dec, threshold = 0.1 * row(96, 1.3, 0), 0.2 * row(128, 2.1, 1), 0.3 * row(96, 0.7, 0).abs()
    r_mag, b_mag, b_gate = 0.2 * row(96, 1.1, 2), 0.1 * row(96, 0.3, 1), 0.1 * row(96, 1.9, 0)

    def features(kind, x):
        pre = (x - b_dec) @ W_enc + b_enc
        if kind == 'standard':
            return pre.relu()
        if kind == 'jumprelu':
            return pre.relu() * (pre > threshold)
        if kind == 'topk':
            best = pre.topk(7, -1)
            return torch.zeros_like(pre).scatter(-1, best.indices, best.values.relu())
        gate = ((x - b_dec) @ W_enc + b_gate > 0).double()
        return gate * ((x - b_dec) @ (W_enc * r_mag.exp()) + b_mag).relu()

    def one(kind):
        line = [out['prompts']['line']]
        state = chars.run(line)[1]['resid_post.1']
        found = features(kind, state)

        def spliced(change):
            def hook(at, value):
                if at == 'resid_post.1':
                    return change(value, features(kind, value))
            return chars.run(line, hook)[0][0, -1, :6]

        def without(value, f):
            off = f.clone()
            off[..., 5] = 0
            return value + (off - f) @ W_dec
        return {'features': found[0, -1], 'count': (found > 0).sum(-1)[0],
                'error': ((found @ W_dec + b_dec - state) ** 2).sum(-1)[0],
                'spliced': spliced(lambda value, f: f @ W_dec + b_dec), 'ablated': spliced(without),
                'steered': spliced(lambda value, f: value + 3 * W_dec[5])}
    return {kind: one(kind) for kind in ('standard', 'jumprelu', 'topk', 'gated')}


out['autoencoders'] = autoencoders()


def normalised_autoencoders():
    """The normalisations of SAELens (SAE._setup_activation_normalization, fold_activation_norm_scaling_factor) and its other hooks, standard and topk."""
    wave = lambda rows, cols, a, b, c: torch.sin(a * torch.arange(float(rows))[:, None] + b * torch.arange(float(cols)) + c) / math.sqrt(rows)
    W_enc, W_dec = wave(128, 96, 1.7, 2.3, 0.1), wave(96, 128, 0.9, 3.1, 0.7)
    row = lambda n, a, c: torch.cos(a * torch.arange(float(n)) + c)
    b_enc, b_dec, factor = 0.1 * row(96, 1.3, 0), 0.2 * row(128, 2.1, 1), 1.7

    def parts(how, topk, x):
        """Features of x, and what turns features into x again."""
        We, Wd, bd, back = W_enc, W_dec, b_dec, lambda y: y
        if how == 'expected_average_only_in':
            We, Wd, bd = W_enc * factor, W_dec / factor, b_dec / factor
        if how == 'constant_norm_rescale':
            coeff = 128 ** 0.5 / x.norm(dim=-1, keepdim=True)
            x, back = x * coeff, lambda y: y / coeff
        if how == 'layer_norm':
            mu = x.mean(-1, keepdim=True)
            std = (x - mu).std(-1, keepdim=True)
            x, back = (x - mu) / (std + 1e-5), lambda y: y * std + mu
        norms = Wd.norm(dim=-1) if topk else 1
        pre = ((x - bd) @ We + b_enc) * norms
        if topk:
            best = pre.topk(7, -1)
            f = torch.zeros_like(pre).scatter(-1, best.indices, best.values.relu())
        else:
            f = pre.relu()
        return f, lambda f: back((f / norms) @ Wd + bd)

    def one(how, topk, place):
        line = [out['prompts']['line']]
        value = chars.run(line)[1][place]
        flat = lambda v: v.reshape(*v.shape[:2], -1)
        found, decode = parts(how, topk, flat(value))

        def spliced(change):
            def hook(at, v):
                if at == place:
                    f, decode = parts(how, topk, flat(v))
                    return change(flat(v), f, decode).reshape(v.shape)
            return chars.run(line, hook)[0][0, -1, :6]

        def without(v, f, decode):
            off = f.clone()
            off[..., 5] = 0
            return v + decode(off) - decode(f)
        return {'features': found[0, -1], 'count': (found > 0).sum(-1)[0], 'error': ((decode(found) - flat(value)) ** 2).sum(-1)[0],
                'spliced': spliced(lambda v, f, decode: decode(f)), 'ablated': spliced(without)}
    cases = [(how, topk, 'resid_post.1') for how in ('layer_norm', 'constant_norm_rescale', 'expected_average_only_in') for topk in (False, True)]
    cases += [('none', False, place) for place in ('z.1', 'attn_out.1', 'mlp_out.2', 'resid_pre.0')] + [('layer_norm', False, 'z.2')]
    return [{'how': how, 'topk': topk, 'place': place, **one(how, topk, place)} for how, topk, place in cases]


out['normalised_autoencoders'] = normalised_autoencoders()


def probes():
    """Ridge regression in its primal form on the stream after each layer, each prompt held out in turn by its number modulo 4."""
    texts = ['KING RICHARD', 'my lord is d', 'ROMEO: I AM', 'the king is', 'FIRST CITIZEN', 'what light', 'MENENIUS: O', 'good morrow', 'ALL: PEACE', 'i am a king', 'JULIET: AY', 'so is it our']
    sizes = [float(len(t)) for t in texts]
    kinds = torch.tensor([[1., 0.] if i % 2 == 0 else [0., 1.] for i in range(12)])

    def fit(x, y, strength):
        xm, ym = x.mean(0), y.mean(0)
        w = torch.linalg.solve((x - xm).T @ (x - xm) + strength * torch.eye(128), (x - xm).T @ (y - ym))
        return w, ym - xm @ w

    def held_out(x, y):
        guess = torch.zeros_like(y)
        for part in range(4):
            test = torch.arange(12) % 4 == part
            w, b = fit(x[~test], y[~test], 2.)
            guess[test] = x[test] @ w + b
        return guess

    scores, squares, weights = [], [], []
    for layer in range(4):
        x = torch.stack([chars.run([encode(t)])[1][f'resid_post.{layer}'][0].mean(0) for t in texts])
        scores.append((held_out(x, kinds).argmax(-1) == kinds.argmax(-1)).double().mean())
        y = torch.tensor(sizes)[:, None]
        squares.append(1 - ((held_out(x, y) - y) ** 2).sum() / ((y - y.mean()) ** 2).sum())
        weights.append(fit(x, kinds, 2.)[0].T[0][:5])
    return {'prompts': [encode(t) for t in texts], 'accuracy': torch.stack(scores), 'squares': torch.stack(squares), 'weights': torch.stack(weights)}


out['probes'] = probes()


def plain(x):
    if isinstance(x, dict):
        return {k: plain(v) for k, v in x.items()}
    if isinstance(x, list):
        return [plain(v) for v in x]
    if torch.is_tensor(x):
        return plain(x.tolist())
    return float(f'{x:.8g}') if isinstance(x, float) else x


if __name__ == '__main__':
    with open(os.path.join(HERE, 'studies.json'), 'w') as f:
        json.dump(plain(out), f)
        f.write('\n')
