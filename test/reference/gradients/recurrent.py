"""LSTM, GRU and RNN, as PyTorch's own modules compute them. ONNX has the gates in another order."""
import torch

from case import case, generator, rand, write

# The place of each of ONNX's gates among PyTorch's: i o f c of i f g o, z r h of r z n.
ORDER = {'LSTM': [0, 3, 1, 2], 'GRU': [1, 0, 2], 'RNN': [0]}


def to_torch(op, weight):
    """Rows of a matrix or vector in PyTorch's order of gates."""
    parts = weight.chunk(len(ORDER[op]))
    return torch.cat([parts[ORDER[op].index(gate)] for gate in range(len(parts))])


def run(op, x, w, r, b, initial, ways, hidden, nonlinearity):
    more = {'nonlinearity': nonlinearity} if op == 'RNN' else {}
    ys, lasts = [], []
    for d, is_reversed in enumerate(ways):
        module = getattr(torch.nn, op)(x.shape[2], hidden, bias=b is not None, **more).double()
        given = {'weight_ih_l0': to_torch(op, w[d]), 'weight_hh_l0': to_torch(op, r[d])}
        if b is not None:
            bw, br = b[d].chunk(2)
            given |= {'bias_ih_l0': to_torch(op, bw), 'bias_hh_l0': to_torch(op, br)}
        first = [i[d:d + 1] for i in initial]
        state = () if not first else ((tuple(first),) if op == 'LSTM' else (first[0],))
        y, last = torch.func.functional_call(module, given, (x.flip(0) if is_reversed else x, *state))
        ys.append(y.flip(0) if is_reversed else y)
        lasts.append(last if op == 'LSTM' else (last,))
    return [torch.stack(ys, 1)] + [torch.cat(each) for each in zip(*lasts)]


def recurrent(op, steps=4, batch=2, width=3, hidden=2, bias=True, initial=False, direction='forward', results=(0, 1, 2), nonlinearity='tanh', about=''):
    ways = {'forward': [False], 'reverse': [True], 'bidirectional': [False, True]}[direction]
    gates, n = len(ORDER[op]), len(ways)
    count = 2 if op == 'LSTM' else 1
    states = [rand(n, batch, hidden) for _ in range(count)] if initial else []
    weights = [rand(n, gates * hidden, width), rand(n, gates * hidden, hidden)] + ([rand(n, 2 * gates * hidden)] if bias else [])

    def function(x, w, r, *rest):
        b = rest[0] if bias else None
        out = run(op, x, w, r, b, rest[1 if bias else 0:], ways, hidden, nonlinearity)
        return [y if i in results else None for i, y in enumerate(out)]

    attributes = {'hidden_size': hidden}
    if direction != 'forward':
        attributes['direction'] = direction
    if op == 'GRU':
        attributes['linear_before_reset'] = 1
    if op == 'RNN' and nonlinearity == 'relu':
        attributes['activations'] = ['Relu'] * n
    inputs = [rand(steps, batch, width)] + weights + ([] if bias or not initial else [None]) + ([None] + states if initial else [])
    for opset in (7, 14, 22):
        case(op, function, inputs, attributes, opset=opset, about=about)


def make():
    generator.manual_seed(18)
    for op in ORDER:
        recurrent(op)
        recurrent(op, initial=True, direction='bidirectional', about='initial states')
        recurrent(op, bias=False, direction='reverse', initial=True, results=(0,), about='no bias, all steps alone')
        recurrent(op, steps=1, batch=1, results=(1, 2) if op == 'LSTM' else (1,), about='one step, last states alone')
    recurrent('RNN', nonlinearity='relu', direction='bidirectional', about='ReLU')
    write('recurrent')
