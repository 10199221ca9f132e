"""Makes test/reference/nnsight.json: attribution patching by nnsight on the small GPT-2 of test/fixtures/peers, in float64.

    python -m venv peers && peers/bin/pip install nnsight==0.8.1 torch==2.15.0 transformers==5.24.0 onnx==1.23.2
    peers/bin/python test/reference/make_nnsight.py

As in nnsight's tutorial of attribution patching: the activations of the clean run, and those of the corrupted one with the metric's gradients.
"""
import json
from pathlib import Path

import onnx
import torch
from nnsight import NNsight
from onnx import numpy_helper
from safetensors.torch import load_file
from transformers import GPT2Config, GPT2LMHeadModel

HERE = Path(__file__).parent
PEERS = HERE / '../fixtures/peers'
LAYERS, HEADS, WIDTH = 2, 4, 32
CLEAN, CORRUPTED = [7, 31, 12, 40, 3, 25], [7, 31, 45, 40, 18, 25]
ANSWER, OTHER = 11, 29


def same_model():
    """The model that the ONNX file was exported from, with the file's weights."""
    model = GPT2LMHeadModel(GPT2Config(n_layer=LAYERS, n_head=HEADS, n_embd=WIDTH, vocab_size=48, n_positions=24, bos_token_id=0, eos_token_id=0))
    weights = {t.name: torch.from_numpy(numpy_helper.to_array(t).copy()) for t in onnx.load(PEERS / 'gpt2.onnx').graph.initializer}
    weights.setdefault('transformer.wte.weight', weights.get('lm_head.weight'))
    missing = set(model.state_dict()) - set(weights)
    assert missing <= {'lm_head.weight'}, missing
    model.load_state_dict({name: weights[name] for name in model.state_dict() if name in weights}, strict=False)
    stored = load_file(PEERS / 'gpt2.safetensors')
    off = (model.eval()(stored['input_ids']).logits - stored['lens:logits']).abs().max().item()
    assert off < 1e-3, off
    return model.double()


model = NNsight(same_model())


def places():
    """What attribution patching reads, in the order of the forward pass. Envoys give it inside of a trace."""
    for i, layer in enumerate(model.transformer.h):
        yield f'residual.{i}', lambda layer=layer: layer.input
        yield f'head.{i}', lambda layer=layer: layer.attn.c_proj.input
        yield f'attention.{i}', lambda layer=layer: layer.attn.c_proj.output
        yield f'mlp.{i}', lambda layer=layer: layer.mlp.output


def run(ids):
    """The activations, the metric, and its gradients at them."""
    found, values, gradients = list(places()), {}, {}
    with model.trace(torch.tensor([ids])):
        for name, read in found:
            value = read()
            value.requires_grad_()
            values[name] = value.save()
        logits = model.lm_head.output
        metric = (logits[0, -1, ANSWER] - logits[0, -1, OTHER]).save()
        with metric.backward():
            for name, _ in reversed(found):
                gradients[name] = values[name].grad.save()
    return {k: v.detach() for k, v in values.items()}, metric.item(), gradients


clean, clean_metric, _ = run(CLEAN)
corrupted, corrupted_metric, gradients = run(CORRUPTED)
effects = {}
for part in ('residual', 'head', 'attention', 'mlp'):
    products = [((clean[f'{part}.{i}'] - corrupted[f'{part}.{i}']) * gradients[f'{part}.{i}'])[0] for i in range(LAYERS)]
    rows = [p.view(len(CLEAN), HEADS, -1).sum((0, 2)) if part == 'head' else p.sum(-1) for p in products]
    effects[part] = [[round(x, 9) for x in row.tolist()] for row in rows]
out = {'clean': CLEAN, 'corrupted': CORRUPTED, 'answer': ANSWER, 'other': OTHER, 'metrics': [clean_metric, corrupted_metric], 'effects': effects}
(HERE / 'nnsight.json').write_text(json.dumps(out) + '\n')
print(json.dumps(out)[:400])
