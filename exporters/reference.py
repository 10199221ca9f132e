"""What PyTorch computes: the values that leave each part, the logits after a vector is added behind layer 1, and a greedy generation."""
import numpy as np
import torch
from safetensors.numpy import save_file

from families import LAYERS, LIKE, VOCAB

TOKENS = 8
DECODERS = ('llama', 'qwen3', 'gemma3', 'phi4', 'mistral', 'gpt2', 'gpt-neox', 'bloom', 'opt', 'gpt-bigcode', 'falcon', 'falcon-grouped',
            'falcon-alibi', 'mamba')


def inputs_of(family, model):
    """The model's own inputs, by name, from a fixed seed."""
    rng = np.random.default_rng(3)
    ids = torch.from_numpy(rng.integers(3, VOCAB, (2, 7)))
    family = LIKE.get(family, family)
    ones = torch.ones_like(ids)
    if family == 'yolo':
        return {'images': torch.from_numpy(rng.standard_normal((1, 3, 32, 48)).astype('float32'))}
    if family == 'vit':
        return {'pixel_values': torch.from_numpy(rng.standard_normal((2, 3, 32, 32)).astype('float32'))}
    if family == 't5':
        return {'input_ids': ids, 'attention_mask': ones, 'decoder_input_ids': torch.from_numpy(rng.integers(3, VOCAB, (2, 5)))}
    if family == 'whisper':
        bins = model.config.num_mel_bins
        features = torch.from_numpy(rng.standard_normal((2, bins, 3000)).astype('float32'))
        return {'input_features': features, 'decoder_input_ids': torch.from_numpy(rng.integers(3, VOCAB, (2, 5)))}
    if family == 'bert':
        return {'input_ids': ids, 'attention_mask': ones, 'token_type_ids': torch.zeros_like(ids)}
    if family == 'mamba':
        return {'input_ids': ids}
    return {'input_ids': ids, 'attention_mask': ones}


def first(value):
    """The tensor of what a module returns."""
    while isinstance(value, (tuple, list)):
        value = value[0]
    return value if isinstance(value, torch.Tensor) else next(iter(value.values()))


def run(model, inputs):
    call = list(inputs.values()) if 'images' in inputs else ()
    with torch.no_grad():
        out = model(*call) if call else model(**inputs, **({'use_cache': False} if 'use_cache' in getattr(model.config, '__dict__', {}) else {}))
    return first(out if isinstance(out, torch.Tensor) else tuple(out.values()))


def greedy(model, inputs):
    """The first row's prompt with TOKENS more."""
    grows = 'decoder_input_ids' if 'decoder_input_ids' in inputs else 'input_ids'
    row = {name: value[:1] for name, value in inputs.items()}
    for _ in range(TOKENS):
        ids = torch.cat([row[grows], run(model, row)[:, -1].argmax(-1, keepdim=True)], 1)
        row[grows] = ids
        if grows == 'input_ids' and 'attention_mask' in row:
            row['attention_mask'] = torch.ones_like(ids)
    return row[grows]


def write(family, model, parts, path):
    inputs = inputs_of(family, model)
    modules = dict(model.named_modules())
    held, hooks, places = {}, [], {}
    for part, pattern in parts.items():
        for i in range(LAYERS if '{i}' in pattern else 1):
            name = pattern.format(i=i)
            key = f'{part}.{i}' if '{i}' in pattern else part
            places[key] = name
            hooks.append(modules[name].register_forward_hook(lambda _m, _a, out, key=key: held.__setitem__(key, first(out).detach().clone())))
    out = run(model, inputs)
    for hook in hooks:
        hook.remove()
    tensors = {f'input:{name}': value for name, value in inputs.items()}
    tensors |= {f'read:{key}': value for key, value in held.items()}
    tensors['out'] = out
    middle = modules[parts['layer'].format(i=1)]
    rng = np.random.default_rng(5)
    like = held['layer.1']
    dims = [1, like.shape[1], 1, 1] if like.dim() == 4 else [like.shape[-1]]
    vector = torch.from_numpy(rng.standard_normal(dims).astype('float32')) * (4 if family == 'yolo' else 1) * like.std()
    tensors['vector'] = vector

    def add(_m, _a, output):
        if isinstance(output, torch.Tensor):
            return output + vector
        return (output[0] + vector, *output[1:])

    hook = middle.register_forward_hook(add)
    tensors['written'] = run(model, inputs)
    hook.remove()
    if hasattr(model, 'get_encoder') and 'decoder_input_ids' in inputs:
        encoder = {name: value for name, value in inputs.items() if name != 'decoder_input_ids'}
        with torch.no_grad():
            tensors['input:encoder_hidden_states'] = model.get_encoder()(**encoder).last_hidden_state
    if family in DECODERS or 'decoder_input_ids' in inputs:
        tensors['generated'] = greedy(model, inputs)
    save_file({name: value.contiguous().numpy() for name, value in tensors.items()}, path)
    return places
