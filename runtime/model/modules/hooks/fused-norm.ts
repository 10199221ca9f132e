import type { FusedNormTarget } from '../../../names/hooks/hook-table.ts'
import type { Tensor } from '../../../tensor/tensor.ts'
import { readActivation, writeActivation } from '../activation.ts'
import type { Binding } from '../binding.ts'

/** The values that blocks have written to parts of norms that one node computes, by trace or invoke and by the hook's name. */
const written = new WeakMap<object, Map<string, Tensor>>()

/** Reads the scale of a norm that one node computes, or an RMSNorm's result before its weight. Recorded operations compute it beside the node. */
export function readNorm(binding: Binding, name: string, target: FusedNormTarget): Tensor {
  return writtenIn(binding, name).get(name) ?? computed(binding, target)
}

/** Replaces the norm's output by the one that it would have with another scale, or with another result before its weight. */
export function writeNorm(binding: Binding, name: string, target: FusedNormTarget, value: unknown): void {
  const tracer = binding.tracer(name)
  tracer.oneCall(() => {
    const before = writtenIn(binding, name).get(name) ?? computed(binding, target)
    const now = before.assign('...', value as never)
    writtenIn(binding, name).set(name, now)
    const { node } = target.norm
    const output = binding.taps.nodeTap(node, 'out', node.outputs[0])
    const unit = target.part === 'scale' ? centred(binding, target).div(now) : now
    const [, weight, bias = ''] = node.inputs
    const scaled = weight ? unit.mul(stored(binding, weight, unit)) : unit
    const whole = bias && target.norm.isCentred ? scaled.add(stored(binding, bias, unit)) : scaled
    writeActivation(binding, output, whole.to(readActivation(binding, output).type))
  })
}

function computed(binding: Binding, target: FusedNormTarget): Tensor {
  const value = centred(binding, target)
  const scale = value.mul(value).mean(-1, { keepdim: true }).add(target.norm.epsilon).sqrt()
  return target.part === 'scale' ? scale : value.div(scale)
}

/** The value that the norm divides by its scale: the input, for a LayerNorm without its mean. It is float32, in which norms compute. */
function centred(binding: Binding, { norm: { node, isCentred } }: FusedNormTarget): Tensor {
  const input = readActivation(binding, binding.taps.nodeTap(node, 'in', node.inputs[0])).to('float32')
  return isCentred ? input.sub(input.mean(-1, { keepdim: true })) : input
}

const stored = (binding: Binding, name: string, like: Tensor): Tensor =>
  binding.read(binding.taps.tensorTap(name)).to(like.type)

function writtenIn(binding: Binding, name: string): Map<string, Tensor> {
  const { view } = binding.tracer(name)
  const values = written.get(view) ?? new Map<string, Tensor>()
  written.set(view, values)
  return values
}
