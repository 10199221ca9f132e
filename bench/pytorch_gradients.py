"""What PyTorch takes on this machine for the measures of gradients.ts: a GPT-2 of the same sizes with random weights, 64 tokens, the metric
of the last position. Prints milliseconds and the ratio to its own forward run.

python3 bench/pytorch_gradients.py [rounds] [threads]    (a torch of PyPI: that of Debian has no fast products of matrices)
"""
import statistics
import sys
import time

import torch
from torch import nn

LAYERS, WIDTH, HEADS, VOCABULARY, TOKENS, STEPS = 12, 768, 12, 50257, 64, 32
rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
if len(sys.argv) > 2:
    torch.set_num_threads(int(sys.argv[2]))


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


def integrated():
    x = model.embed(ids)
    total = torch.zeros_like(x)
    for part in torch.linspace(0.5 / STEPS, 1 - 0.5 / STEPS, STEPS).split(16):
        points = (x * part[:, None, None]).requires_grad_()
        total += torch.autograd.grad(model.score(model.layers(points)).sum(), points)[0].sum(0, keepdim=True)


def milliseconds(task, count):
    task()
    times = []
    for _ in range(count):
        start = time.perf_counter()
        task()
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times)


plain = milliseconds(forward, rounds)
print(f'torch {torch.__version__}, {torch.get_num_threads()} threads: forward run {plain:.0f} ms')
for name, task in (('gradient at the middle layer', lambda: gradient(LAYERS // 2)), ('gradient at the embeddings', lambda: gradient(0))):
    took = milliseconds(task, rounds)
    print(f'{name}: {took:.0f} ms, {took / plain:.2f} ×')
took = milliseconds(integrated, max(1, rounds // 3))
print(f'integrated gradients of {STEPS} steps, in batches: {took:.0f} ms, {took / plain / STEPS:.2f} × for each step')
