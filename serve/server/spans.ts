import type { ServedOptions } from './served-model.ts'

/** Spans of OpenTelemetry, if its API is installed; who wants them registers an SDK before the server starts. */
export async function spans(): Promise<ServedOptions['span']> {
  const api = await import('@opentelemetry/api').catch(() => undefined)
  if (!api) return (_name, _attributes, body) => body()
  const tracer = api.trace.getTracer('onnsight')
  return (name, attributes, body) =>
    tracer.startActiveSpan(name, { attributes }, async span => {
      try {
        return await body()
      } catch (error) {
        span.recordException(error as Error)
        span.setStatus({ code: api.SpanStatusCode.ERROR })
        throw error
      } finally {
        span.end()
      }
    })
}
