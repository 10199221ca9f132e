"""What PyTorch takes on this machine for the measures of gradients.ts: a GPT-2 of the same sizes with random weights, 64 tokens, the metric
of the last position; and nnsight for attribution patching on the same model, if it is installed. Prints milliseconds of the processor, which
other work on the machine hardly changes, and the ratio to its own forward run.

python3 bench/pytorch_gradients.py [rounds] [threads] [--json]    (torch and nnsight of PyPI: the torch of Debian has no fast products of matrices)
"""
import json
import statistics
import sys
import time

import torch
from torch import nn

LAYERS, WIDTH, HEADS, VOCABULARY, TOKENS, STEPS = 12, 768, 12, 50257, 64, 32
numbers = [int(a) for a in sys.argv[1:] if a.isdigit()]
rounds = numbers[0] if numbers else 5
if len(numbers) > 1:
    torch.set_num_threads(numbers[1])


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.attn, self.proj = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.up, self.down = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, x):
        rows, tokens, _ = x.shape
        q, k, v = (t.view(rows, tokens, HEADS, -1).transpose(1, 2) for t in self.attn(self.ln_1(x)).chunk(3, -1))
        scores = q @ k.transpose(-1, -2) / (WIDTH // HEADS) ** 0.5
        mask = torch.ones(tokens, tokens, dtype=torch.bool).triu(1)
        mixed = scores.masked_fill(mask, float('-inf')).softmax(-1) @ v
        x = x + self.proj(mixed.transpose(1, 2).reshape(rows, tokens, WIDTH))
        return x + self.down(nn.functional.gelu(self.up(self.ln_2(x))))


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.wte, self.wpe = nn.Embedding(VOCABULARY, WIDTH), nn.Embedding(1024, WIDTH)
        self.h, self.ln_f = nn.ModuleList(Layer() for _ in range(LAYERS)), nn.LayerNorm(WIDTH)

    def embed(self, ids):
        return self.wte(ids) + self.wpe(torch.arange(ids.shape[1]))

    def layers(self, x, first=0, last=LAYERS):
        for layer in self.h[first:last]:
            x = layer(x)
        return x

    def forward(self, ids):
        return self.ln_f(self.layers(self.embed(ids))) @ self.wte.weight.T

    def score(self, x):
        """The log-probability of one token after the last position, by the logits of that position alone."""
        return (self.ln_f(x[:, -1]) @ self.wte.weight.T).log_softmax(-1)[:, 5]


torch.manual_seed(0)
model = Model().eval().requires_grad_(False)
ids = torch.randint(0, VOCABULARY, (1, TOKENS))


def forward():
    with torch.no_grad():
        (model.ln_f(model.layers(model.embed(ids))) @ model.wte.weight.T)


def gradient(layer):
    with torch.no_grad():
        x = model.layers(model.embed(ids), 0, layer)
    x.requires_grad_()
    torch.autograd.grad(model.score(model.layers(x, layer)).sum(), x)


def every_layer():
    with torch.no_grad():
        x = model.embed(ids)
    x.requires_grad_()
    outputs = []
    for layer in model.h:
        x = layer(x)
        outputs.append(x)
    torch.autograd.grad(model.score(x).sum(), outputs)


def integrated():
    x = model.embed(ids)
    total = torch.zeros_like(x)
    for part in torch.linspace(0.5 / STEPS, 1 - 0.5 / STEPS, STEPS).split(16):
        points = (x * part[:, None, None]).requires_grad_()
        total += torch.autograd.grad(model.score(model.layers(points)).sum(), points)[0].sum(0, keepdim=True)


def nnsight_every_layer():
    """The same through nnsight, as its tutorial of attribution patching writes it."""
    with traced.trace(ids):
        outputs = []
        for layer in traced.h:
            layer.output.requires_grad_()
            outputs.append(layer.output)
        logits = traced.ln_f.output[:, -1] @ model.wte.weight.T
        metric = logits.log_softmax(-1)[0, 5]
        with metric.backward():
            for output in reversed(outputs):
                output.grad.save()


def milliseconds(task, count):
    task()
    times = []
    for _ in range(count):
        start = time.process_time()
        task()
        times.append((time.process_time() - start) * 1000)
    return statistics.median(times)


tasks = {
    'forward': forward,
    'middle': lambda: gradient(LAYERS // 2),
    'embeddings': lambda: gradient(0),
    'all layers': every_layer,
}
try:
    from nnsight import NNsight
    traced = NNsight(model)
    tasks['all layers by nnsight'] = nnsight_every_layer
except ImportError:
    pass
found = {name: milliseconds(task, rounds) for name, task in tasks.items()}
found['integrated gradients'] = milliseconds(integrated, max(1, rounds // 3))
if '--json' in sys.argv:
    print(json.dumps(found))
else:
    print(f'torch {torch.__version__}, {torch.get_num_threads()} threads, milliseconds of the processor')
    for name, took in found.items():
        steps = STEPS if name.startswith('integrated') else 1
        print(f'{name}: {took:.0f} ms, {took / found["forward"] / steps:.2f} ×' + (' for each step' if steps > 1 else ''))
