"""Makes the examples' models from those of the tests, with weights rounded to 8 bits, which the package's archive compresses to a quarter.

pip install onnx onnxruntime numpy; python examples/models/make.py
"""
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

models = Path(__file__).parent
fixtures = models.parent.parent / 'test/fixtures'


def on_grid(weight):
    """Rounds to at most 255 steps whose size is a power of two, so that most bits of each number are zero."""
    step = 2.0 ** np.ceil(np.log2(np.abs(weight).max() / 127))
    return (np.round(weight / step) * step).astype(np.float32)


def coarse(source, target):
    model = onnx.load(source)
    for initializer in model.graph.initializer:
        weight = numpy_helper.to_array(initializer)
        if weight.dtype == np.float32 and weight.size > 500:
            initializer.CopyFrom(numpy_helper.from_array(on_grid(weight), initializer.name))
    onnx.save(model, target)


for name in ('chars', 'induction'):
    coarse(fixtures / f'models/{name}.onnx', models / f'{name}.onnx')
quantize_dynamic(models / 'induction.onnx', models / 'induction-int8.onnx', weight_type=QuantType.QInt8)
onnx.save(onnx.load(fixtures / 'exported/llama/genai-int4/model.onnx'), models / 'llama-int4.onnx')  # with its weights inside
