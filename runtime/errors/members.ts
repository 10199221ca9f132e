import { OnnsightError, type SourcePosition } from './error.ts'

/** Thrown for a member that tensors or nodes do not have. JavaScript itself would return undefined, without an error. */
export class NoSuchMemberError extends OnnsightError {
  static readonly code = 'no-such-member'
  constructor(what: string, member: string, fix: string, at?: SourcePosition) {
    super(NoSuchMemberError.code, `${what} has no ${member}.`, { at, fix })
  }
}

/** Thrown for an assignment that would change nothing in the model. JavaScript itself would accept it, and the value would be lost. */
export class NotAssignableError extends OnnsightError {
  static readonly code = 'not-assignable'
  constructor(target: string, fix: string, at?: SourcePosition) {
    super(NotAssignableError.code, `${target} can't be assigned: the value would be lost.`, { at, fix })
  }
}
