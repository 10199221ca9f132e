"""Makes test/fixtures/batch/*.onnx with open dims, and beside each what PyTorch gives for prompts one by one (JSON).

/usr/bin/python3 test/reference/make_batch.py    (Debian's python3-torch 1.13)
"""
import json
import os

import torch
from torch import nn

from make_names import Bert, LlamaAttention, LlamaMLP, RMSNorm, WIDTH

PROMPTS = [[3, 1, 4, 1], [5], [9, 2, 6, 5, 3, 5], [8, 9, 7], [1, 2, 3, 4]]


class Attention(LlamaAttention):
    """Rotary, with positions and a mask from outside."""

    def forward(self, x, mask, positions):
        b, t = x.shape[0], x.shape[1]
        q = self.q_proj(x).view(b, t, 2, 4).transpose(1, 2)
        k = self.k_proj(x).view(b, t, 1, 4).transpose(1, 2)
        v = self.v_proj(x).view(b, t, 1, 4).transpose(1, 2)
        angle = positions[..., None].float() * torch.tensor([1.0, 0.1])
        cos, sin = (torch.cat([f] * 2, -1)[:, None] for f in (angle.cos(), angle.sin()))
        rotate = lambda y: torch.cat([-y[..., 2:], y[..., :2]], -1)
        q, k = q * cos + rotate(q) * sin, k * cos + rotate(k) * sin
        k, v = torch.cat([k, k], 1), torch.cat([v, v], 1)
        scores = q @ k.transpose(-1, -2) / 2.0 + mask
        return self.o_proj((scores.softmax(-1) @ v).transpose(1, 2).reshape(b, t, WIDTH))


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.self_attn, self.mlp = Attention(), LlamaMLP()
        self.input_layernorm, self.post_attention_layernorm = RMSNorm(), RMSNorm()

    def forward(self, x, mask, positions):
        x = x + self.self_attn(self.input_layernorm(x), mask, positions)
        return x + self.mlp(self.post_attention_layernorm(x))


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed_tokens, self.norm = nn.Embedding(11, WIDTH), RMSNorm()
        self.layers = nn.ModuleList([Layer() for _ in range(2)])

    def forward(self, input_ids, attention_mask, position_ids):
        x = self.embed_tokens(input_ids)
        # Causal, as ids of places: the exporter has no triu of open dims.
        places = torch.cumsum(torch.ones_like(input_ids), 1)
        future = (places[:, None, :] > places[:, :, None]).float()[:, None]
        mask = (future + (1.0 - attention_mask[:, None, None, :].float())) * -1e4
        for layer in self.layers:
            x = layer(x, mask, position_ids)
        return self.norm(x)


class Rotary(nn.Module):
    def __init__(self):
        super().__init__()
        self.model, self.lm_head = Model(), nn.Linear(WIDTH, 11, bias=False)

    def forward(self, input_ids, attention_mask, position_ids):
        return self.lm_head(self.model(input_ids, attention_mask, position_ids))


def export(name, model, inputs_of, taps):
    model.eval()
    os.makedirs("test/fixtures/batch", exist_ok=True)
    example = inputs_of(PROMPTS[0])
    axes = {key: {0: "batch", 1: "sequence"} for key in example}
    torch.onnx.export(model, tuple(example.values()), f"test/fixtures/batch/{name}.onnx", input_names=list(example),
                      output_names=["result"], dynamic_axes={**axes, "result": {0: "batch"}}, opset_version=14)
    reference = []
    for prompt in PROMPTS:
        seen = {}
        handles = [model.get_submodule(path).register_forward_hook(
            lambda _m, _i, out, path=path: seen.__setitem__(path, out.detach())) for path in taps]
        with torch.no_grad():
            result = model(*inputs_of(prompt).values())
        for handle in handles:
            handle.remove()
        reference.append({"prompt": prompt, "result": result.tolist(), **{path: seen[path].tolist() for path in taps}})
    with open(f"test/fixtures/batch/{name}.json", "w") as file:
        json.dump(reference, file)


if __name__ == "__main__":
    torch.manual_seed(7)
    ids = lambda prompt: torch.tensor([prompt])
    export("rotary", Rotary(), lambda p: {"input_ids": ids(p), "attention_mask": torch.ones(1, len(p), dtype=torch.int64),
                                          "position_ids": torch.arange(len(p))[None]},
           ["model.layers.0", "model.layers.1.self_attn", "model.layers.1.mlp", "model.norm"])
    export("bert", Bert(), lambda p: {"input_ids": ids(p), "attention_mask": torch.ones(1, len(p), dtype=torch.int64)},
           ["encoder.layer.0.attention", "encoder.layer.1", "encoder.layer.1.output"])
