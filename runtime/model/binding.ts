import { OtherModelError, OutsideTraceError, TraceEndedError } from '../errors/trace.ts'
import type { Tap } from '../graph/expression.ts'
import { currentRecorder, type Recorder } from '../graph/recorder.ts'
import type { Taps } from '../names/taps.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { type Traceable, Tracer } from '../tracing/tracer.ts'

/** Ties module proxies to the model they belong to, and to the trace that is current when they are touched. */
export class Binding {
  readonly taps: Taps
  readonly #model: Traceable

  constructor(taps: Taps, model: Traceable) {
    this.taps = taps
    this.#model = model
  }

  /** The trace of this model that is current, or the error that says why there is none. */
  tracer(label: string): Tracer {
    const current = currentRecorder()
    let recorder: Recorder | undefined = current
    while (recorder) {
      if (recorder instanceof Tracer && recorder.model === this.#model) {
        if (recorder.finished) throw new TraceEndedError(label, recorder.name, recorder.mark()?.position())
        return recorder
      }
      recorder = recorder instanceof Tracer ? recorder.outer : undefined
    }
    if (!(current instanceof Tracer)) throw new OutsideTraceError(label)
    if (current.finished) throw new TraceEndedError(label, current.name, current.mark()?.position())
    throw new OtherModelError(label, this.#model.name, current.model.name, current.mark()?.position())
  }

  read(tap: Tap): Tensor {
    return this.tracer(tap.label).read(tap)
  }

  write(tap: Tap, value: unknown): void {
    this.tracer(tap.label).write(tap, value)
  }
}
