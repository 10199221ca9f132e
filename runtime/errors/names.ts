import { asCode } from './as-code.ts'
import { OnnsightError } from './error.ts'

export class UnknownModuleError extends OnnsightError {
  static readonly code = 'unknown-module'
  constructor(parent: string, name: string, nearest: readonly string[]) {
    const where = parent === '' ? 'The model' : parent
    super(UnknownModuleError.code, `${where} has no module ${name}.`, {
      fix: choices(nearest, 'print the tree: console.log(String(model))'),
    })
  }
}

export class UnknownNameError extends OnnsightError {
  static readonly code = 'unknown-name'
  constructor(what: string, name: string, nearest: readonly string[]) {
    super(UnknownNameError.code, `There is no ${what} ${name}.`, {
      fix: choices(nearest, 'print the tree: console.log(String(model))'),
    })
  }
}

export class AmbiguousTapError extends OnnsightError {
  static readonly code = 'ambiguous-output'
  constructor(label: string, side: 'output' | 'input', names: readonly string[]) {
    const verb = side === 'output' ? 'leave' : 'enter'
    super(
      AmbiguousTapError.code,
      `${label} is ambiguous: ${names.length} values ${verb} the module: ${names.join(', ')}.`,
      {
        fix: `pick one: ${asCode(`${label}s`)}[${JSON.stringify(names[0])}]`,
      },
    )
  }
}

export class NoTapError extends OnnsightError {
  static readonly code = 'no-value'
  constructor(label: string, reason: string, fix: string) {
    super(NoTapError.code, `${label}: ${reason}.`, { fix })
  }
}

export class UnwritableParameterError extends OnnsightError {
  static readonly code = 'unwritable-parameter'
  constructor(label: string, stored: readonly string[]) {
    super(
      UnwritableParameterError.code,
      `${label} can't be written: the file stores it as integers (${stored.join(', ')}), and its operator can't use another matrix.`,
      { fix: 'write the stored parts, which are in .weights too, or write the module’s .output' },
    )
  }
}

export class OtherBranchError extends OnnsightError {
  static readonly code = 'other-branch'
  constructor(what: string, name: string, branches: readonly string[]) {
    super(
      OtherBranchError.code,
      `The ${what} ${name} is in a branch that these inputs do not run: ${branches.join('; ')}.`,
      {
        fix: 'pass inputs that take the other branch, or look for its name in this branch: console.log(String(model)) in the block',
      },
    )
  }
}

export class UnknownOperationError extends OnnsightError {
  static readonly code = 'unknown-operation'
  constructor(
    module: string,
    operation: string,
    { there, fused, children }: Record<'there' | 'fused' | 'children', readonly string[]>,
  ) {
    const hidden =
      fused.length > 0
        ? ` It may be inside the fused operation ${fused.join(', ')}: you can read only its inputs and outputs.`
        : ''
    super(UnknownOperationError.code, `${module || 'The model'} has no ${operation} of its own.${hidden}`, {
      fix:
        there.length > 0 ? `use one that it has: ${there.join(', ')}` : `look in its children: ${children.join(', ')}`,
    })
  }
}

function choices(nearest: readonly string[], otherwise: string): string {
  return nearest.length > 0 ? `did you mean ${nearest.join(', ')}?` : otherwise
}

/** Thrown for a value whose elements onnxruntime's optimiser has stored in blocks of channels: reading them in this order would be wrong. */
export class BlockedLayoutError extends OnnsightError {
  static readonly code = 'blocked-layout'
  constructor(label: string, tensor: string) {
    super(
      BlockedLayoutError.code,
      `${label}: onnxruntime’s optimiser has put the channels of ${tensor} into blocks, so its elements are not in the declared order.`,
      { fix: 'load the file from before that optimisation (level all), or optimise it at level extended' },
    )
  }
}

/** Thrown for a module whose attention heads are not known, and for a part that its heads do not have. */
export class NoHeadsError extends OnnsightError {
  static readonly code = 'no-heads'
  constructor(
    label: string,
    reason: string,
    fix = 'read what is there by its node: console.log(String(model)), then model.node(name)',
  ) {
    super(NoHeadsError.code, `${asCode(label)}: ${reason}.`, { fix })
  }
}

/** Thrown for a hook of TransformerLens, or a standard name of nnterp, that stands for no value of the model. */
export class NoHookError extends OnnsightError {
  static readonly code = 'no-hook'
  constructor(name: string, reason: string, nearest: readonly string[]) {
    super(NoHookError.code, `The model has no ${name}: ${reason}.`, {
      fix: choices(nearest, 'see what it has: Object.keys(model.hooks)'),
    })
  }
}
