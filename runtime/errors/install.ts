import { OnnsightError } from './error.ts'

export class MissingPackageError extends OnnsightError {
  static readonly code = 'missing-package'
  constructor(name: string, cause: unknown) {
    super(MissingPackageError.code, `${name} is not installed, and models run on it.`, {
      cause,
      fix: `npm install ${name}`,
    })
  }
}

export class OtherRealmError extends OnnsightError {
  static readonly code = 'other-realm'
  constructor() {
    super(
      OtherRealmError.code,
      'Float32Array and its kin are not Node’s own here, and onnxruntime-node takes no others: Jest gives each test file a set of its own.',
      { fix: "add setupFiles: ['onnsight/jest'] to jest.config.js" },
    )
  }
}
