import { BlockedLayoutError } from '../../errors/names.ts'
import type { Tap } from '../../graph/expression.ts'
import { isBlocked } from '../../names/blocked.ts'
import { type Quantisation, quantisationOf } from '../../names/quantisation.ts'
import { dimsOf, newHandle, recordOne, stateOf, type Tensor } from '../../tensor/tensor.ts'
import type { TensorLike } from '../../tensor/values/convert.ts'
import type { Binding } from './binding.ts'

/**
 * Reads the activation at a module's input or output. A quantised value is dequantised to float32.
 * @throws BlockedLayoutError for a value whose elements an optimiser has reordered
 */
export function readActivation(binding: Binding, tap: Tap): Tensor {
  const quantised = quantisationAt(binding, tap)
  if (!quantised) return binding.read(tap)
  const numbers = dequantised(binding, tap, quantised)
  const place = {
    label: tap.label,
    set: (slice: unknown, written: unknown) =>
      writeActivation(binding, tap, dequantised(binding, tap, quantised).assign(slice as never, written as never)),
  }
  return newHandle(stateOf(numbers).value, binding.tracer(tap.label), place)
}

/** Writes an activation. If the value is quantised in the graph, the written one is quantised. @throws BlockedLayoutError */
export function writeActivation(binding: Binding, tap: Tap, written: TensorLike): void {
  const quantised = quantisationAt(binding, tap)
  if (!quantised) {
    binding.write(tap, written)
    return
  }
  const current = dequantised(binding, tap, quantised)
  const numbers = current.assign('...' as never, written as never)
  const { type, dims } = stateOf(binding.read(tap)).value
  const inputs = [numbers, ...parameters(binding, quantised)]
  binding.write(tap, recordOne('QuantizeLinear', inputs, { type, dims }))
}

function dequantised(binding: Binding, tap: Tap, quantised: Quantisation): Tensor {
  const integers = binding.read(tap)
  return recordOne('DequantizeLinear', [integers, ...parameters(binding, quantised)], {
    type: 'float32',
    dims: dimsOf(integers),
  })
}

function parameters(binding: Binding, { scale, zeroPoint }: Quantisation): Tensor[] {
  return [scale, zeroPoint].flatMap(name => (name ? [binding.read(binding.taps.tensorTap(name))] : []))
}

function quantisationAt({ taps }: Binding, tap: Tap): Quantisation | undefined {
  const { graph } = taps.tree
  if (isBlocked(graph, tap.tensor)) throw new BlockedLayoutError(tap.label, tap.tensor)
  return quantisationOf(graph, tap.tensor)
}
