import { MissingPackageError } from '../../runtime/errors/install.ts'

const INSTALL = 'npm install fastify @fastify/swagger prom-client rate-limiter-flexible'

/** Imports a library that users of a server install. @throws MissingPackageError */
export async function library<L>(name: string, load: () => Promise<L>, install = INSTALL): Promise<L> {
  try {
    return await load()
  } catch (cause) {
    throw new MissingPackageError(name, cause, 'to serve models', install)
  }
}
