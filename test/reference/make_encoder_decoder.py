"""Makes test/fixtures/encoder-decoder/*.onnx, in the shapes that Optimum exports, and beside them what PyTorch gives (JSON).

/usr/bin/python3 test/reference/make_encoder_decoder.py    (Debian's python3-torch 1.13)

encoder.onnx, decoder.onnx (no cache; gives all keys and values), decoder_with_past.onnx (takes them, gives those of its own tokens), and
whole.onnx (both in one). The merged decoder is put together in the test, as Optimum does it.
"""
import json
import os

import torch
from torch import nn

WIDTH, HEADS, VOCABULARY, LAYERS = 8, 2, 13, 2
SOURCES = [[3, 1, 4, 1, 5, 9], [2, 7, 11, 8, 2, 0], [5, 3, 5, 8, 9, 0]]
MASKS = [[1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 0, 0], [1, 1, 1, 1, 1, 0]]
START = [[12], [12], [12]]
FOLDER = "test/fixtures/encoder-decoder"


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
            setattr(self, name, nn.Linear(WIDTH, WIDTH))

    def split(self, x):
        return x.view(x.shape[0], x.shape[1], HEADS, WIDTH // HEADS).transpose(1, 2)

    def forward(self, x, key, value, mask):
        scores = self.split(self.q_proj(x)) @ key.transpose(-1, -2) / (WIDTH // HEADS) ** 0.5 + mask
        mixed = scores.softmax(-1) @ value
        return self.out_proj(mixed.transpose(1, 2).reshape(x.shape[0], x.shape[1], WIDTH))

    def keys(self, x):
        return self.split(self.k_proj(x)), self.split(self.v_proj(x))


class Mlp(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(WIDTH, 2 * WIDTH), nn.Linear(2 * WIDTH, WIDTH)

    def forward(self, x):
        return self.fc2(torch.tanh(self.fc1(x)))


class EncoderLayer(nn.Module):
    def __init__(self):
        super().__init__()
        self.self_attn, self.mlp = Attention(), Mlp()

    def forward(self, x, mask):
        x = x + self.self_attn(x, *self.self_attn.keys(x), mask)
        return x + self.mlp(x)


class Encoder(nn.Module):
    def __init__(self, embed):
        super().__init__()
        self.embed_tokens = embed
        self.layers = nn.ModuleList([EncoderLayer() for _ in range(LAYERS)])

    def forward(self, input_ids, attention_mask):
        x = self.embed_tokens(input_ids)
        for layer in self.layers:
            x = layer(x, hidden(attention_mask))
        return x


def hidden(mask):
    return (1.0 - mask[:, None, None, :].float()) * -1e4


class DecoderLayer(nn.Module):
    def __init__(self):
        super().__init__()
        self.self_attn, self.encoder_attn, self.mlp = Attention(), Attention(), Mlp()

    def forward(self, x, mask, encoder_mask, past, cross):
        key, value = self.self_attn.keys(x)
        if past is not None:
            key, value = torch.cat([past[0], key], 2), torch.cat([past[1], value], 2)
        x = x + self.self_attn(x, key, value, mask)
        x = x + self.encoder_attn(x, *cross, encoder_mask)
        return x + self.mlp(x), (key, value)


class Decoder(nn.Module):
    def __init__(self, embed):
        super().__init__()
        self.embed_tokens = embed
        self.layers = nn.ModuleList([DecoderLayer() for _ in range(LAYERS)])

    def forward(self, input_ids, encoder_attention_mask, pasts, crosses):
        x = self.embed_tokens(input_ids)
        ones = torch.ones_like(input_ids)
        # No triu of open dims in the exporter: places as ids.
        own = torch.cumsum(ones, 1)
        if pasts is None:
            mask = (own[:, None, :] > own[:, :, None]).float()[:, None] * -1e4
        else:
            mask = torch.zeros(1)
        own_keys = []
        for i, layer in enumerate(self.layers):
            x, kept = layer(x, mask, hidden(encoder_attention_mask), None if pasts is None else pasts[i], crosses[i])
            own_keys.append(kept)
        return x, own_keys


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        embed = nn.Embedding(VOCABULARY, WIDTH)
        self.encoder, self.decoder = Encoder(embed), Decoder(embed)
        self.lm_head = nn.Linear(WIDTH, VOCABULARY, bias=False)

    def crosses(self, states):
        return [layer.encoder_attn.keys(states) for layer in self.decoder.layers]


class Part(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model, self.lm_head = model.decoder, model.lm_head


class WithoutPast(Part):
    def forward(self, encoder_attention_mask, input_ids, encoder_hidden_states):
        crosses = [layer.encoder_attn.keys(encoder_hidden_states) for layer in self.model.layers]
        x, own = self.model(input_ids, encoder_attention_mask, None, crosses)
        return (self.lm_head(x), *[part for i in range(LAYERS) for part in (*own[i], *crosses[i])])


class WithPast(Part):
    def forward(self, encoder_attention_mask, input_ids, *past):
        pasts = [past[4 * i : 4 * i + 2] for i in range(LAYERS)]
        crosses = [past[4 * i + 2 : 4 * i + 4] for i in range(LAYERS)]
        x, own = self.model(input_ids, encoder_attention_mask, pasts, crosses)
        return (self.lm_head(x), *[part for layer in own for part in layer])


class Whole(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model, self.lm_head = nn.Module(), model.lm_head
        self.model.encoder, self.model.decoder = model.encoder, model.decoder

    def forward(self, input_ids, attention_mask, decoder_input_ids):
        states = self.model.encoder(input_ids, attention_mask)
        crosses = [layer.encoder_attn.keys(states) for layer in self.model.decoder.layers]
        return self.lm_head(self.model.decoder(decoder_input_ids, attention_mask, None, crosses)[0])


def caches(prefix, which):
    return [f"{prefix}.{i}.{part}.{kind}" for i in range(LAYERS) for part in which for kind in ("key", "value")]


def export(name, module, inputs, outputs):
    axes = {}
    for key in [*inputs, *outputs]:
        length = "encoder_sequence_length" if ".encoder." in key or key.startswith("encoder_") else "sequence_length"
        axes[key] = {0: "batch_size", (2 if "key" in key or "value" in key else 1): f"{key.split('.')[0]}_{length}"}
    torch.onnx.export(module.eval(), tuple(inputs.values()), f"{FOLDER}/{name}.onnx", input_names=list(inputs),
                      output_names=outputs, dynamic_axes=axes, opset_version=14)


if __name__ == "__main__":
    torch.manual_seed(11)
    os.makedirs(FOLDER, exist_ok=True)
    model = Model().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(2.5)
    source, mask, start = torch.tensor(SOURCES), torch.tensor(MASKS), torch.tensor(START)
    both = ["decoder", "encoder"]
    with torch.no_grad():
        states = model.encoder(source, mask)
        first = WithoutPast(model)(mask, start, states)
    export("encoder", model.encoder, {"input_ids": source, "attention_mask": mask}, ["last_hidden_state"])
    export("decoder", WithoutPast(model),
           {"encoder_attention_mask": mask, "input_ids": torch.tensor([[12, 1, 2]] * 3), "encoder_hidden_states": states},
           ["logits", *caches("present", both)])
    past = dict(zip(caches("past_key_values", both), first[1:]))
    export("decoder_with_past", WithPast(model), {"encoder_attention_mask": mask, "input_ids": start, **past},
           ["logits", *caches("present", ["decoder"])])
    export("whole", Whole(model), {"input_ids": source, "attention_mask": mask, "decoder_input_ids": torch.tensor([[12, 1, 2]] * 3)},
           ["logits"])

    def greedy(scale, steps=10):
        """Tokens, and what leaves layer 0's cross-attention at the last place in each step: scaled there, for all tokens."""
        ids, seen = start, []
        for _ in range(steps):
            kept = []
            def hook(_module, _inputs, output):
                kept.append(output * scale)
                return kept[0]
            handle = model.decoder.layers[0].encoder_attn.register_forward_hook(hook)
            with torch.no_grad():
                x, _ = model.decoder(ids, mask, None, model.crosses(states))
                logits = model.lm_head(x)[:, -1]
            handle.remove()
            seen.append({"attention": kept[0][:, -1].tolist(), "logits": logits.tolist()})
            ids = torch.cat([ids, logits.argmax(-1, keepdim=True)], 1)
        return {"ids": ids.tolist(), "steps": seen}

    with open(f"{FOLDER}/reference.json", "w") as file:
        json.dump({"source": SOURCES, "mask": MASKS, "start": START, "states": states.tolist(), "plain": greedy(1.0),
                   "scaled": greedy(-3.0)}, file)
