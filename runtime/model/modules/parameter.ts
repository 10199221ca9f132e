import { UnwritableParameterError } from '../../errors/names.ts'
import type { Parameter, Scaled, WeightUse } from '../../names/parameters/parameter.ts'
import { stack } from '../../tensor/ops/join.ts'
import { dimsOf, newHandle, recordOne, stateOf, type Tensor } from '../../tensor/tensor.ts'
import type { TensorLike } from '../../tensor/values/convert.ts'
import type { Binding } from './binding.ts'

/** Reads a parameter that the file has in another form, as the matrix that the module uses. Messages name `label`. */
export function readParameter(binding: Binding, label: string, parameter: Parameter): Tensor {
  const place = {
    label,
    set: (slice: unknown, written: unknown) =>
      writeParameter(binding, label, parameter, matrix(binding, parameter).assign(slice as never, written as never)),
  }
  return newHandle(stateOf(matrix(binding, parameter)).value, binding.tracer(label), place)
}

/** Lets the module use another matrix. @throws UnwritableParameterError */
export function writeParameter(binding: Binding, label: string, parameter: Parameter, written: TensorLike): void {
  const { form, isTransposed, use } = parameter
  const edited = matrix(binding, parameter).assign('...' as never, written as never)
  const stored = isTransposed ? edited.transpose(0, 1) : edited
  if (form.kind === 'value') binding.write(binding.taps.tensorTap(form.name), stored)
  else if (use) applyWeight(binding, use, stored)
  else throw new UnwritableParameterError(label, parameter.stored)
}

function matrix(binding: Binding, { form, isTransposed }: Parameter): Tensor {
  const stored = form.kind === 'value' ? readValue(binding, form.name) : dequantised(binding, form)
  return isTransposed ? stored.transpose(0, 1) : stored
}

const readValue = (binding: Binding, name: string): Tensor => binding.read(binding.taps.tensorTap(name))

/** `(data − zero point) × scale`, by onnxruntime's own arithmetic, in the type of the scale. */
export function dequantised(binding: Binding, form: Scaled): Tensor {
  const scale = readValue(binding, form.scale)
  const zeroPoint = form.zeroPoint === undefined ? undefined : readValue(binding, form.zeroPoint)
  const data = unpacked(readValue(binding, form.data), form.bits, form.dims)
  const order = form.order === undefined ? undefined : readValue(binding, form.order)
  const zero = zeroPoint === undefined ? form.zero : perElement(asNumbers(zeroPoint, form), form, order)
  return data
    .sub(zero)
    .mul(perElement(scale.to('float32'), form, order))
    .to(scale.type)
}

/** Zero points as float32, one for each scale. They may be packed like the data. */
function asNumbers(zeroPoint: Tensor, form: Scaled): Tensor {
  const isPacked = form.bits < 8 && zeroPoint.type === 'uint8'
  return isPacked ? unpacked(zeroPoint, form.bits, scaleDims(form)) : zeroPoint.to('float32')
}

/** The number of scales along each axis. */
function scaleDims({ dims, along }: Scaled): number[] {
  return dims.map((dim, axis) => (axis === along?.axis ? Math.ceil(dim / along.block) : dim))
}

/** Expands scales or zero points to one for each element, or one for all. */
function perElement(values: Tensor, form: Scaled, order: Tensor | undefined): Tensor {
  const { dims, along } = form
  if (!along) return values.reshape([])
  const { axis, block } = along
  if (block === 1) return values.reshape(dims.map((dim, i) => (i === axis ? dim : 1)))
  const each = values.reshape(scaleDims(form))
  if (order) {
    const all = dims.map((dim, i) => (i === axis ? dimsOf(order)?.[0] : dim))
    const inOrder = recordOne('Gather', [each, order], { type: each.type, dims: all }, { axis: { int: axis } })
    return inOrder.narrow(axis, 0, dims[axis])
  }
  return each.repeatInterleave(block, axis).narrow(axis, 0, dims[axis])
}

/** Unpacks the integers of a tensor to float32 with these dims. Elements beyond the last dim are padding. */
function unpacked(data: Tensor, bits: number, dims: readonly number[]): Tensor {
  if (bits === 8)
    return data
      .to('float32')
      .reshape([...dims.slice(0, -1), -1])
      .narrow(-1, 0, dims[dims.length - 1])
  const steps = 8 / bits
  const parts: Tensor[] = []
  let rest = data.to('float32')
  for (let i = 0; i < steps; i++) {
    const above = rest.div(2 ** bits).floor()
    parts.push(rest.sub(above.mul(2 ** bits)))
    rest = above
  }
  const side = stack(parts, -1).reshape([...dims.slice(0, -1), -1])
  return side.narrow(-1, 0, dims[dims.length - 1])
}

/** Replaces the result of the module's nodes by one that is computed with another matrix. */
function applyWeight(binding: Binding, use: WeightUse, written: Tensor): void {
  const { taps } = binding
  const to = taps.nodeTap(use.node, 'out', use.output)
  const input = activation(binding, use)
  const result = binding.read(to)
  const into = { type: written.type, dims: dimsOf(result) }
  if (use.as === 'rows') {
    const rows = recordOne('Gather', [written, input], into, { axis: { int: use.axis } })
    binding.write(to, rows.to(result.type))
    return
  }
  const matrix = use.isTransposed ? written.transpose(0, 1) : written
  const product = recordOne('MatMul', [input.to(written.type), matrix], into)
  binding.write(to, (use.bias ? product.add(readValue(binding, use.bias)) : product).to(result.type))
}

/** The activation that the matrix is multiplied with, dequantised if it is quantised. */
function activation(binding: Binding, { reader, input, quantised }: WeightUse): Tensor {
  const read = binding.read(binding.taps.nodeTap(reader, 'in', input))
  if (!quantised) return read
  return read
    .to('float32')
    .sub(readValue(binding, quantised.zeroPoint).to('float32'))
    .mul(readValue(binding, quantised.scale))
}
