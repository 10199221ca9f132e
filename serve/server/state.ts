import type { FastifyReply, FastifyRequest } from 'fastify'
import type { GraphLimits } from '../../runtime/index.ts'
import type { QuotaKeeper } from '../access/quotas.ts'
import type { ServeOptions, User } from '../options.ts'
import type { Permission } from '../process/messages.ts'
import { BusyError } from '../queue/fair-queue.ts'
import type { WaitingPlaces } from '../shared/places.ts'
import type { Done, ServedModel, Work } from './served-model.ts'

/** What is noted of a request while it is answered. */
export interface RequestNotes {
  user: User
  model: string | undefined
  tokens: number
  bytesOut: number
  /** Aborted when the client has gone. */
  signal: AbortSignal
}

const notesOf = new WeakMap<object, RequestNotes>()
export const note = (request: FastifyRequest, notes: RequestNotes): void => void notesOf.set(request.raw, notes)
export const notes = (request: FastifyRequest): RequestNotes | undefined => notesOf.get(request.raw)

/** The parts of a server that its routes use. */
export class ServerState {
  readonly models: ReadonlyMap<string, ServedModel>
  readonly options: ServeOptions
  readonly limits: GraphLimits
  readonly quotas: QuotaKeeper
  readonly places: WaitingPlaces
  /** Whether the server takes no new work. */
  isClosing = false

  constructor(
    models: ReadonlyMap<string, ServedModel>,
    options: ServeOptions,
    limits: GraphLimits,
    quotas: QuotaKeeper,
    places: WaitingPlaces,
  ) {
    this.models = models
    this.options = options
    this.limits = limits
    this.quotas = quotas
    this.places = places
  }

  get isReady(): boolean {
    return !this.isClosing && [...this.models.values()].every(({ facts }) => facts)
  }

  /** @param name undefined for the only model */
  model(name: string | undefined, request: FastifyRequest): ServedModel {
    const names = [...this.models.keys()]
    const model = name === undefined && names.length === 1 ? this.models.get(names[0]) : this.models.get(name ?? '')
    if (!model)
      throw Object.assign(
        new Error(`There is no model ${name ?? 'without a name'}. Do this: use one of ${names.join(', ')}`),
        {
          statusCode: 404,
        },
      )
    const own = notes(request)
    if (own) own.model = model.name
    return model
  }

  permission({ allowWeights = this.options.allowWeights ?? false }: User): Permission {
    return { limits: this.limits, deny: this.options.deny ?? [], allowWeights }
  }

  /** Runs work of a request in its turn, and notes what it took. */
  async run(
    model: ServedModel,
    request: FastifyRequest,
    reply: FastifyReply,
    group: string,
    work: Work,
  ): Promise<Done> {
    const { user, signal } = notes(request)!
    if (this.isClosing) throw new BusyError('The server is ending.', 'try again later, or at another server')
    void reply.header('x-queue-place', String(model.queue.length))
    const done = await model.queue.add(request.id, user.name, group, work, signal)
    await this.quotas.take(user, { seconds: done.seconds })
    return done
  }
}
