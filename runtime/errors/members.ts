import { OnnsightError, type SourcePosition } from './error.ts'

/** A member that tensors or nodes do not have: JavaScript would give undefined, and go on. */
export class NoSuchMemberError extends OnnsightError {
  static readonly code = 'no-such-member'
  constructor(what: string, member: string, fix: string, at?: SourcePosition) {
    super(NoSuchMemberError.code, `${what} has no ${member}.`, { at, fix })
  }
}

/** An assignment that would change nothing in the model: JavaScript would take it, and it would be lost. */
export class NotAssignableError extends OnnsightError {
  static readonly code = 'not-assignable'
  constructor(target: string, fix: string, at?: SourcePosition) {
    super(NotAssignableError.code, `${target} can't be assigned: the value would be lost.`, { at, fix })
  }
}
