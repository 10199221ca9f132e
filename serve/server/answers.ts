import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import { type RunDetails, SAFETENSORS } from '../../runtime/remote/wire.ts'
import { Tensor } from '../../runtime/tensor/tensor.ts'
import { encodeData } from '../../runtime/tensor/values/encoded.ts'
import { safetensorsParts } from '../../runtime/tensor-files/safetensors.ts'
import type { GraphReply } from '../process/messages.ts'

type Values = Exclude<GraphReply, { readonly error: unknown }>

/** Sends values as JSON, or as a stream of safetensors where the request asks for it. */
export async function sendValues(
  reply: FastifyReply,
  accept: string | undefined,
  { wanted, details }: Values,
): Promise<FastifyReply> {
  if (!accept?.includes(SAFETENSORS))
    return reply.send({ result: details.result ?? null, values: wanted.map(encodeData), report: details.report })
  const tensors = Object.fromEntries(wanted.map((data, i) => [String(i), Tensor.of(data)]))
  const told: RunDetails = { ...details, executed: [...details.executed] }
  const parts = safetensorsParts('the answer', tensors, { onnsight: JSON.stringify(told) })
  const bytes = parts.reduce((sum, part) => sum + part.length, 0)
  return reply.type(SAFETENSORS).header('content-length', String(bytes)).send(Readable.from(parts))
}
