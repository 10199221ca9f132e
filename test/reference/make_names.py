"""Makes test/fixtures/names/*.onnx, and beside each what PyTorch's hooks see and do in it (JSON).

/usr/bin/python3 test/reference/make_names.py    (Debian's python3-torch 1.13)
"""
import json

import torch
from torch import nn
from torch.nn import functional as F

WIDTH = 8


class SelfAttention(nn.Module):
    def __init__(self):
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(WIDTH, WIDTH) for _ in range(3))

    def forward(self, x, mask):
        split = lambda t: t.view(t.shape[0], -1, 2, WIDTH // 2).transpose(1, 2)
        q, k, v = split(self.query(x)), split(self.key(x)), split(self.value(x))
        scores = q @ k.transpose(-1, -2) / 2.0 + mask
        return (scores.softmax(-1) @ v).transpose(1, 2).reshape(x.shape)


class Output(nn.Module):
    def __init__(self, inner=WIDTH):
        super().__init__()
        self.dense, self.LayerNorm, self.dropout = nn.Linear(inner, WIDTH), nn.LayerNorm(WIDTH), nn.Dropout(0.1)

    def forward(self, hidden, residual):
        return self.LayerNorm(self.dropout(self.dense(hidden)) + residual)


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.self, self.output = SelfAttention(), Output()

    def forward(self, x, mask):
        return self.output(self.self(x, mask), x)


class Intermediate(nn.Module):
    def __init__(self):
        super().__init__()
        self.dense, self.intermediate_act_fn = nn.Linear(WIDTH, 2 * WIDTH), nn.GELU()

    def forward(self, x):
        return self.intermediate_act_fn(self.dense(x))


class BertLayer(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention, self.intermediate, self.output = Attention(), Intermediate(), Output(2 * WIDTH)

    def forward(self, x, mask):
        x = self.attention(x, mask)
        return self.output(self.intermediate(x), x)


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.ModuleList([BertLayer() for _ in range(2)])

    def forward(self, x, mask):
        for layer in self.layer:
            x = layer(x, mask)
        return x


class Bert(nn.Module):
    """A child called output, as every BERT has; a mask beside the hidden state; the pooler reads one position."""

    def __init__(self):
        super().__init__()
        self.embeddings, self.encoder, self.pooler = nn.Embedding(11, WIDTH), Encoder(), nn.Linear(WIDTH, WIDTH)

    def forward(self, input_ids, attention_mask):
        mask = (1.0 - attention_mask[:, None, None, :].float()) * -1e4
        x = self.encoder(self.embeddings(input_ids), mask)
        return torch.tanh(self.pooler(x[:, 0]))


class RMSNorm(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.rand(WIDTH) + 0.5)

    def forward(self, x):
        return self.weight * x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6)


class LlamaAttention(nn.Module):
    def __init__(self):
        super().__init__()
        self.q_proj, self.o_proj = (nn.Linear(WIDTH, WIDTH, bias=False) for _ in range(2))
        self.k_proj, self.v_proj = (nn.Linear(WIDTH, WIDTH // 2, bias=False) for _ in range(2))

    def forward(self, x):
        b, t, _ = x.shape
        q = self.q_proj(x).view(b, t, 2, 4).transpose(1, 2)
        k = self.k_proj(x).view(b, t, 1, 4).transpose(1, 2)
        v = self.v_proj(x).view(b, t, 1, 4).transpose(1, 2)
        angle = torch.arange(t)[:, None] * torch.tensor([1.0, 0.1])[None]
        cos, sin = torch.cat([angle.cos()] * 2, -1), torch.cat([angle.sin()] * 2, -1)
        rotate = lambda y: torch.cat([-y[..., 2:], y[..., :2]], -1)
        q, k = q * cos + rotate(q) * sin, k * cos + rotate(k) * sin
        k, v = k.expand(b, 2, t, 4), v.expand(b, 2, t, 4)
        scores = q @ k.transpose(-1, -2) / 2.0 + torch.full((t, t), -1e4).triu(1)
        return self.o_proj((scores.softmax(-1) @ v).transpose(1, 2).reshape(b, t, WIDTH))


class LlamaMLP(nn.Module):
    def __init__(self):
        super().__init__()
        self.gate_proj, self.up_proj = (nn.Linear(WIDTH, 2 * WIDTH, bias=False) for _ in range(2))
        self.down_proj, self.act_fn = nn.Linear(2 * WIDTH, WIDTH, bias=False), nn.SiLU()

    def forward(self, x):
        return self.down_proj(self.act_fn(self.gate_proj(x)) * self.up_proj(x))


class LlamaLayer(nn.Module):
    def __init__(self):
        super().__init__()
        self.self_attn, self.mlp = LlamaAttention(), LlamaMLP()
        self.input_layernorm, self.post_attention_layernorm = RMSNorm(), RMSNorm()

    def forward(self, x):
        x = x + self.self_attn(self.input_layernorm(x))
        return x + self.mlp(self.post_attention_layernorm(x))


class LlamaModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed_tokens = nn.Embedding(11, WIDTH)
        self.layers, self.norm = nn.ModuleList([LlamaLayer() for _ in range(2)]), RMSNorm()

    def forward(self, input_ids):
        x = self.embed_tokens(input_ids)
        for layer in self.layers:
            x = layer(x)
        return self.norm(x)


class Llama(nn.Module):
    def __init__(self):
        super().__init__()
        self.model, self.lm_head = LlamaModel(), nn.Linear(WIDTH, 11, bias=False)

    def forward(self, input_ids):
        return self.lm_head(self.model(input_ids))


class BasicBlock(nn.Module):
    def __init__(self, into, out, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(into, out, 3, stride, 1, bias=False), nn.BatchNorm2d(out)
        self.relu = nn.ReLU()
        self.conv2, self.bn2 = nn.Conv2d(out, out, 3, 1, 1, bias=False), nn.BatchNorm2d(out)
        self.downsample = nn.Sequential(nn.Conv2d(into, out, 1, stride, bias=False), nn.BatchNorm2d(out)) if stride > 1 else None

    def forward(self, x):
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return self.relu(y + (self.downsample(x) if self.downsample else x))


class ResNet(nn.Module):
    """Evaluation folds each BatchNorm into the convolution before it; relu is called twice in a block."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, 1, 1)
        self.layer1, self.layer2 = nn.Sequential(BasicBlock(4, 4, 1)), nn.Sequential(BasicBlock(4, 6, 2))
        self.avgpool, self.fc = nn.AdaptiveAvgPool2d(1), nn.Linear(6, 5)

    def forward(self, image):
        x = self.layer2(self.layer1(self.stem(image)))
        return self.fc(torch.flatten(self.avgpool(x), 1))


class Shared(nn.Module):
    """One module called twice in a row, and one called on two branches; the head is tied to the embedding."""

    def __init__(self):
        super().__init__()
        self.embed, self.block, self.side = nn.Embedding(11, WIDTH), nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.Tanh()), nn.Linear(WIDTH, WIDTH)
        self.last, self.head = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, 11, bias=False)
        self.head.weight = self.embed.weight

    def forward(self, input_ids):
        x = self.embed(input_ids)
        x = self.block(self.block(x))
        return self.head(self.last(self.side(x) * self.side(x + 1)))


def first_tensor(value):
    return value if isinstance(value, torch.Tensor) else next((v for v in value if isinstance(v, torch.Tensor)), None)


def make(name, net, inputs, edits, dynamic=None):
    net.eval()
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
    torch.onnx.export(
        net, tuple(inputs.values()), f'test/fixtures/names/{name}.onnx', opset_version=15,
        input_names=list(inputs), output_names=['result'], dynamic_axes=dynamic)
    modules = {path: module for path, module in net.named_modules() if path and not isinstance(module, (nn.ModuleList, nn.ModuleDict))}
    seen = {path: [] for path in modules}
    hooks = []
    for path, module in modules.items():
        def hook(m, i, o, path=path):
            entered = first_tensor(i)
            seen[path].append({'input': entered.tolist(), 'output': o.tolist()})
        hooks.append(module.register_forward_hook(hook))
    with torch.no_grad():
        result = net(*inputs.values()).tolist()
        for hook in hooks:
            hook.remove()
        edited = []
        for path, point in edits:
            if point == 'output':
                hook = modules[path].register_forward_hook(lambda m, i, o: o * 0.5 + 0.1)
            else:
                hook = modules[path].register_forward_pre_hook(lambda m, i: (i[0] * 0.5 + 0.1, *i[1:]))
            edited.append({'module': path, 'point': point, 'result': net(*inputs.values()).tolist()})
            hook.remove()
    weights = {path: list(value.shape) for path, value in net.state_dict().items()}
    reference = {'inputs': {k: v.tolist() for k, v in inputs.items()}, 'result': result, 'calls': seen, 'edited': edited, 'weights': weights}
    round_off = json.loads(json.dumps(reference), parse_float=lambda text: float(f'{float(text):.7g}'))
    with open(f'test/fixtures/names/{name}.json', 'w') as file:
        json.dump(round_off, file, separators=(',', ':'))


torch.manual_seed(0)
ids = torch.tensor([[1, 5, 2, 9], [3, 3, 7, 0]])
mask = torch.tensor([[1, 1, 1, 1], [1, 1, 1, 0]])
make('bert', Bert(), {'input_ids': ids, 'attention_mask': mask}, [
    ('encoder.layer.0', 'output'), ('encoder.layer.1', 'input'), ('encoder.layer.0.attention.self', 'output'),
    ('encoder.layer.1.attention.output', 'output'), ('encoder.layer.1.attention.output.dense', 'input'),
    ('encoder.layer.0.intermediate', 'output'), ('encoder.layer.0.output.dense', 'input')])
make('llama', Llama(), {'input_ids': ids}, [
    ('model.layers.0.self_attn', 'output'), ('model.layers.0.self_attn.v_proj', 'output'), ('model.layers.1.mlp', 'input'),
    ('model.layers.1.mlp.act_fn', 'output'), ('model.layers.0.input_layernorm', 'output'), ('model.norm', 'input')])
make('resnet', ResNet(), {'image': torch.randn(1, 3, 6, 6)}, [
    ('stem', 'output'), ('layer1.0', 'output'), ('layer2.0', 'input'), ('layer2.0.downsample', 'output'), ('fc', 'input')])
make('shared', Shared(), {'input_ids': ids}, [('last', 'output'), ('last', 'input'), ('embed', 'output')])
