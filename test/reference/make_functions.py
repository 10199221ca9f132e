"""Makes test/fixtures/functions/functions.onnx, whose modules are model-local functions, and what PyTorch's hooks see in it.

/usr/bin/python3 test/reference/make_functions.py    (Debian's python3-torch 1.13, python3-onnx)
"""
import json

import torch
from torch import nn


class MLP(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.c_fc = nn.Linear(width, 2 * width)
        self.act = nn.GELU()
        self.c_proj = nn.Linear(2 * width, width)

    def forward(self, x):
        return self.c_proj(self.act(self.c_fc(x)))


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.ln = nn.LayerNorm(width)
        self.mlp = MLP(width)

    def forward(self, x):
        return x + self.mlp(self.ln(x))


class Net(nn.Module):
    def __init__(self, width=8):
        super().__init__()
        self.h = nn.ModuleList([Block(width) for _ in range(2)])
        self.head = nn.Linear(width, 3)

    def forward(self, x):
        for block in self.h:
            x = block(x)
        return self.head(x)


# The exporter names a call for the function and a number.
SCOPES = {
    'h.0': 'head.Net.Block_2', 'h.0.ln': 'head.Net.Block_2.LayerNorm_5', 'h.0.mlp': 'head.Net.Block_2.MLP_6',
    'h.0.mlp.c_fc': 'head.Net.Block_2.MLP_6.Linear_8', 'h.0.mlp.act': 'head.Net.Block_2.MLP_6.GELU_9',
    'h.0.mlp.c_proj': 'head.Net.Block_2.MLP_6.Linear_10', 'h.1': 'head.Net.Block_3',
    'h.1.ln': 'head.Net.Block_3.LayerNorm_5', 'h.1.mlp': 'head.Net.Block_3.MLP_6',
    'h.1.mlp.c_fc': 'head.Net.Block_3.MLP_6.Linear_8', 'h.1.mlp.act': 'head.Net.Block_3.MLP_6.GELU_9',
    'h.1.mlp.c_proj': 'head.Net.Block_3.MLP_6.Linear_10', 'head': 'head.Net.Linear_4',
}


def main():
    torch.manual_seed(0)
    net, x = Net().eval(), torch.randn(1, 4, 8)
    torch.onnx.export(
        net, (x,), 'test/fixtures/functions/functions.onnx', opset_version=15, export_modules_as_functions=True,
        input_names=['x'], dynamic_axes={'x': {1: 'length'}})
    seen, edited = {}, {}
    modules = dict(net.named_modules())
    hooks = [modules[name].register_forward_hook(lambda m, i, o, name=name: seen.update({name: o.tolist()})) for name in SCOPES]
    with torch.no_grad():
        result = net(x).tolist()
        for hook in hooks:
            hook.remove()
        for name in ('h.0.mlp.act', 'h.1.ln', 'h.1'):
            hook = modules[name].register_forward_hook(lambda m, i, o: o * 2)
            edited[name] = net(x).tolist()
            hook.remove()
    reference = {'x': x.tolist(), 'result': result, 'scopes': SCOPES, 'seen': seen, 'doubled': edited}
    with open('test/fixtures/functions/functions.json', 'w') as file:
        json.dump(reference, file)


main()
