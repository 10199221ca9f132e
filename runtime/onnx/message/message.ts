import type { Message } from '@bufbuild/protobuf'

/**
 * A copy of a message with other values in some fields; nested messages are shared. A spread would lose the defaults of unset fields,
 * which are properties of the prototype.
 */
export function withFields<T extends Message>(message: T, fields: Partial<Omit<T, keyof Message>>): T {
  return Object.assign(Object.create(Object.getPrototypeOf(message)) as T, message, fields)
}
