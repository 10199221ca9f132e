"""The models of the examples, from those of the tests: weights on grids of 8 bits, which the package's archive packs to a quarter.

pip install onnx onnxruntime numpy; python examples/models/make.py
"""
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

here = Path(__file__).parent
fixtures = here.parent.parent / 'test/fixtures'


def on_grid(weight):
    """Rounded to at most 255 steps, whose size is a power of two: numbers of which most bits are zero."""
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
    coarse(fixtures / f'models/{name}.onnx', here / f'{name}.onnx')
quantize_dynamic(here / 'induction.onnx', here / 'induction-int8.onnx', weight_type=QuantType.QInt8)
onnx.save(onnx.load(fixtures / 'exported/llama/genai-int4/model.onnx'), here / 'llama-int4.onnx')  # with its weights inside
