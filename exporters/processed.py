"""What people do to an exported file: quantise it, optimise it, convert it to float16."""
import onnx
import onnxruntime as ort
from safetensors.numpy import load_file

from families import LIKE, WIDTHS

DECODERS = ('llama', 'qwen3', 'gemma3', 'phi4', 'mistral', 'gpt2', 'gpt-neox', 'bloom', 'opt', 'gpt-bigcode', 'falcon', 'falcon-grouped', 'falcon-alibi')


def quantize_dynamic(_family, path, folder, _reference):
    from onnxruntime.quantization import QuantType, quantize_dynamic as quantize
    quantize(path, folder / 'model.onnx', weight_type=QuantType.QInt8)
    return folder / 'model.onnx'


class _Once:
    """Calibration on the reference inputs."""

    def __init__(self, path, reference):
        names = {i.name for i in ort.InferenceSession(str(path)).get_inputs()}
        tensors = load_file(reference)
        self.feeds = [{name[6:]: value for name, value in tensors.items() if name.startswith('input:') and name[6:] in names}]

    def get_next(self):
        return self.feeds.pop() if self.feeds else None


def quantize_static(form):
    def change(_family, path, folder, reference):
        from onnxruntime.quantization import QuantFormat, QuantType, quantize_static as quantize
        from onnxruntime.quantization.shape_inference import quant_pre_process
        prepared = folder / 'prepared.onnx'
        quant_pre_process(str(path), str(prepared), skip_symbolic_shape=True)
        quantize(str(prepared), str(folder / 'model.onnx'), _Once(prepared, reference), quant_format=getattr(QuantFormat, form),
                 weight_type=QuantType.QInt8, activation_type=QuantType.QUInt8, per_channel=form == 'QDQ')
        return folder / 'model.onnx'
    return change


def matmul_4bits(_family, path, folder, _reference):
    from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer
    quantizer = MatMulNBitsQuantizer(onnx.load(str(path)), block_size=32, is_symmetric=False)
    quantizer.process()
    onnx.save(quantizer.model.model, str(folder / 'model.onnx'))
    return folder / 'model.onnx'


def float16(_family, path, folder, _reference):
    from onnxruntime.transformers.float16 import convert_float_to_float16
    onnx.save(convert_float_to_float16(onnx.load(str(path)), keep_io_types=True, disable_shape_infer=False), str(folder / 'model.onnx'))
    return folder / 'model.onnx'


def session(level):
    """As onnxruntime's own optimiser writes it, at one of its levels."""
    def change(_family, path, folder, _reference):
        options = ort.SessionOptions()
        options.graph_optimization_level = getattr(ort.GraphOptimizationLevel, f'ORT_ENABLE_{level}')
        options.optimized_model_filepath = str(folder / 'model.onnx')
        ort.InferenceSession(str(path), options, providers=['CPUExecutionProvider'])
        return folder / 'model.onnx'
    return change


def transformers_optimizer(family, path, folder, _reference):
    from onnxruntime.transformers.optimizer import optimize_model
    heads, width = WIDTHS.get(family, (4, 64))
    kind = {'gpt2': 'gpt2', 'vit': 'vit', 'clip-text': 'clip', 't5': 't5', 'whisper': 'bart'}.get(LIKE.get(family, family), 'bert')
    optimize_model(str(path), model_type=kind, num_heads=heads, hidden_size=width, opt_level=0).save_model_to_file(str(folder / 'model.onnx'))
    return folder / 'model.onnx'


def slim(_family, path, folder, _reference):
    import onnxslim
    onnx.save(onnxslim.slim(onnx.load(str(path))), str(folder / 'model.onnx'))
    return folder / 'model.onnx'


def _plain(*families):
    return lambda family, exporter: exporter in ('classic', 'optimum') and (not families or family in families)


PROCESSES = {
    'int8': (_plain('llama', 'gpt2', 'bert', 'whisper', 'vit'), quantize_dynamic),
    'qdq': (lambda family, exporter: exporter == 'classic' and family in ('bert', 'vit', 'yolo'), quantize_static('QDQ')),
    'qoperator': (lambda family, exporter: exporter == 'classic' and family in ('bert', 'yolo'), quantize_static('QOperator')),
    'q4': (lambda family, exporter: exporter == 'optimum' and family in ('llama', 'qwen3', 'gemma3'), matmul_4bits),
    'fp16': (lambda family, exporter: exporter == 'optimum' and family in ('llama', 'bert', 'vit'), float16),
    'extended': (lambda family, exporter: exporter == 'classic' and family in ('bert', 'vit', 'gpt2', 'llama'), session('EXTENDED')),
    'all': (lambda family, exporter: exporter == 'classic' and family in ('bert', 'yolo'), session('ALL')),
    'optimizer': (_plain('bert', 'gpt2', 'vit', 'clip-text', 'whisper'), transformers_optimizer),
    'slim': (lambda family, exporter: exporter == 'classic', slim),
}
