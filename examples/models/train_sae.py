"""Trains a TopK sparse autoencoder on the residual stream after layer 1 of examples/models/chars.onnx, and saves it as SAELens does.

/usr/bin/python3 examples/models/train_sae.py    (Debian's python3-torch and python3-onnx; a minute on two cores)

The texts are the model's own: it writes them, so that nothing else is needed. The architecture is that of Gao et al. 2024 (arXiv:2406.04093).
"""
import json
import math
import os
import struct

import onnx
import torch
from onnx import numpy_helper

HERE = os.path.dirname(os.path.abspath(__file__))
LAYER, FEATURES, K, HEADS = 1, 256, 12, 4
torch.manual_seed(1)

weights = {t.name: torch.from_numpy(numpy_helper.to_array(t).copy()) for t in onnx.load(f'{HERE}/chars.onnx').graph.initializer}
WIDTH = weights['transformer.wte.weight'].shape[1]


def norm(x, at):
    return torch.nn.functional.layer_norm(x, [WIDTH], weights[at + '.weight'], weights[at + '.bias'])


def run(ids, layers=4):
    """The residual stream after some layers."""
    b, t = ids.shape
    x = weights['transformer.wte.weight'][ids] + weights['transformer.wpe.weight'][:t]
    for i in range(layers):
        p = f'transformer.h.{i}.'
        linear = lambda y, at: y @ weights[p + at + '.weight'] + weights[p + at + '.bias']
        q, k, v = (y.view(b, t, HEADS, -1).transpose(1, 2) for y in linear(norm(x, p + 'ln_1'), 'attn.c_attn').split(WIDTH, -1))
        scores = q @ k.transpose(-1, -2) / math.sqrt(WIDTH // HEADS) + torch.full((t, t), -1e9).triu(1)
        x = x + linear((scores.softmax(-1) @ v).transpose(1, 2).reshape(b, t, -1), 'attn.c_proj')
        y = linear(norm(x, p + 'ln_2'), 'mlp.c_fc')
        x = x + linear(0.5 * y * (1 + torch.tanh(math.sqrt(2 / math.pi) * (y + 0.044715 * y ** 3))), 'mlp.c_proj')
    return x


with torch.no_grad():
    ids = torch.randint(1, 65, (96, 1))
    for _ in range(95):
        logits = norm(run(ids)[:, -1], 'transformer.ln_f') @ weights['transformer.wte.weight'].T
        ids = torch.cat([ids, logits.softmax(-1).multinomial(1)], 1)
    states = run(ids, LAYER + 1)[:, 1:].reshape(-1, WIDTH)
print(len(states), 'states')

b_dec = states.mean(0).clone().requires_grad_()
W_dec = torch.nn.functional.normalize(torch.randn(FEATURES, WIDTH), dim=-1).requires_grad_()
W_enc = W_dec.detach().T.clone().requires_grad_()
b_enc = torch.zeros(FEATURES, requires_grad=True)
optimizer = torch.optim.Adam([W_enc, b_enc, W_dec, b_dec], lr=2e-3)
for step in range(1500):
    x = states[torch.randint(len(states), (256,))]
    raw = (x - b_dec) @ W_enc + b_enc
    best = raw.topk(K, -1)
    found = torch.zeros_like(raw).scatter(-1, best.indices, best.values.relu())
    loss = ((found @ W_dec + b_dec - x) ** 2).sum(-1).mean() / states.var(0).sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    with torch.no_grad():
        W_dec.data = torch.nn.functional.normalize(W_dec, dim=-1)
    if step % 500 == 499:
        print(step + 1, f'unexplained variance {loss.item():.3f}')

folder = f'{HERE}/chars-sae'
os.makedirs(folder, exist_ok=True)
config = {'architecture': 'topk', 'd_in': WIDTH, 'd_sae': FEATURES, 'k': K, 'dtype': 'float32', 'device': 'cpu', 'apply_b_dec_to_input': True,
          'normalize_activations': 'none', 'reshape_activations': 'none', 'rescale_acts_by_decoder_norm': False,
          'metadata': {'model_name': 'chars', 'hook_name': f'blocks.{LAYER}.hook_resid_post'}}
with open(f'{folder}/cfg.json', 'w') as file:
    json.dump(config, file, indent=2)
    file.write('\n')
header, parts, at = {}, [], 0
for name, tensor in {'W_enc': W_enc, 'b_enc': b_enc, 'W_dec': W_dec, 'b_dec': b_dec}.items():
    data = tensor.detach().contiguous().numpy().astype('<f4').tobytes()
    header[name] = {'dtype': 'F32', 'shape': list(tensor.shape), 'data_offsets': [at, at + len(data)]}
    parts.append(data)
    at += len(data)
text = json.dumps(header).encode()
text += b' ' * (-len(text) % 8)
with open(f'{folder}/sae_weights.safetensors', 'wb') as file:
    file.write(struct.pack('<Q', len(text)) + text + b''.join(parts))
