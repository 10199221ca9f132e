"""Weights of a Whisper out of a file of CTranslate2 (model.bin), under the names of transformers."""
import struct

import numpy as np
import torch

TYPES = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}


def read(path):
    """All tensors by their names in the file."""
    with open(path, 'rb') as file:
        def number(form):
            return struct.unpack(form, file.read(struct.calcsize(form)))[0]

        def text():
            return file.read(number('<H'))[:-1].decode()

        number('<I')
        text()
        number('<I')
        found = {}
        for _ in range(number('<I')):
            name = text()
            dims = [number('<I') for _ in range(number('<B'))]
            kind = TYPES[number('<B')]
            found[name] = np.frombuffer(file.read(number('<I')), kind).reshape(dims)
        return found


def whisper(path):
    tensors = {name: torch.from_numpy(value.astype('float32')) for name, value in read(path).items() if value.ndim}
    state = {}

    def take(source, target):
        for suffix, name in (('weight', 'weight'), ('bias', 'bias'), ('gamma', 'weight'), ('beta', 'bias')):
            if f'{source}/{suffix}' in tensors:
                state[f'{target}.{name}'] = tensors[f'{source}/{suffix}']

    def split(source, targets):
        """One product for several: their weights stand below each other. Keys have no bias in Whisper."""
        weights = tensors[f'{source}/weight'].chunk(len(targets))
        biases = tensors[f'{source}/bias'].chunk(len(targets))
        for target, weight, bias in zip(targets, weights, biases):
            state[f'{target}.weight'] = weight
            if not target.endswith('k_proj'):
                state[f'{target}.bias'] = bias

    for side in ('encoder', 'decoder'):
        own = f'model.{side}'
        take(f'{side}/layer_norm', f'{own}.layer_norm')
        state[f'{own}.embed_positions.weight'] = tensors[f'{side}/position_encodings/encodings']
        for i in range(sum(name.startswith(f'{side}/layer_') and name.endswith('/ffn/linear_0/weight') for name in tensors)):
            layer, target = f'{side}/layer_{i}', f'{own}.layers.{i}'
            attention = f'{target}.self_attn'
            split(f'{layer}/self_attention/linear_0', [f'{attention}.{part}_proj' for part in 'qkv'])
            take(f'{layer}/self_attention/linear_1', f'{attention}.out_proj')
            take(f'{layer}/self_attention/layer_norm', f'{attention}_layer_norm')
            if side == 'decoder':
                cross = f'{target}.encoder_attn'
                take(f'{layer}/attention/linear_0', f'{cross}.q_proj')
                split(f'{layer}/attention/linear_1', [f'{cross}.k_proj', f'{cross}.v_proj'])
                take(f'{layer}/attention/linear_2', f'{cross}.out_proj')
                take(f'{layer}/attention/layer_norm', f'{cross}_layer_norm')
            take(f'{layer}/ffn/linear_0', f'{target}.fc1')
            take(f'{layer}/ffn/linear_1', f'{target}.fc2')
            take(f'{layer}/ffn/layer_norm', f'{target}.final_layer_norm')
    take('encoder/conv1', 'model.encoder.conv1')
    take('encoder/conv2', 'model.encoder.conv2')
    take('decoder/embeddings', 'model.decoder.embed_tokens')
    return state
