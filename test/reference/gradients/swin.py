"""Makes test/fixtures/gradients/swin.onnx, a small Swin transformer, and swin.json: norms of gradients of its weights by PyTorch's autograd.

python3 test/reference/gradients/swin.py    (torch 2.15, transformers 5.24)
"""
import json
import pathlib

import onnx
import torch
from transformers import SwinConfig, SwinForImageClassification

FOLDER = pathlib.Path(__file__).parents[2] / 'fixtures' / 'gradients'


class Swin(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.model = SwinForImageClassification(SwinConfig(image_size=16, patch_size=2, embed_dim=8, depths=[2, 1], num_heads=[2, 2], window_size=4))

    def forward(self, x):
        return self.model(x).logits


torch.manual_seed(3)
model = Swin().eval()
# Equal weights, such as biases of zeros, become one in the file.
with torch.no_grad():
    for weight in model.parameters():
        weight.add_(torch.randn_like(weight) * 0.1)
x = torch.sin(torch.arange(768.0) ** 2).reshape(1, 3, 16, 16)
torch.onnx.export(model, (x,), FOLDER / 'swin.onnx', input_names=['x'], output_names=['y'], opset_version=17, dynamo=False)
model.double()
(model(x.double()) ** 2).sum().backward()
# Those that the file has by their names; the exporter transposes the others, or folds them into one.
kept = {tensor.name for tensor in onnx.load(FOLDER / 'swin.onnx').graph.initializer}
norms = {name: float(f'{weight.grad.norm().item():.7g}') for name, weight in model.named_parameters() if name in kept}
(FOLDER / 'swin.json').write_text(json.dumps(norms, indent=1) + '\n')
