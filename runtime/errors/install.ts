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

export class RuntimeVersionError extends OnnsightError {
  static readonly code = 'runtime-version'
  constructor(name: string, version: string, least: string) {
    super(RuntimeVersionError.code, `${name} ${version} is installed, and this onnsight needs ${least} or newer.`, {
      fix: `npm install ${name}@^${least}.0`,
    })
  }
}

export class RuntimeNotLoadedError extends OnnsightError {
  static readonly code = 'runtime-not-loaded'
  constructor(name: string, reason: string, cause: unknown) {
    super(RuntimeNotLoadedError.code, `${name} is installed, and can’t be loaded here: ${reason}.`, {
      fix: 'npx onnsight doctor, which looks at the install; Jest has to be 29 or newer',
      cause,
    })
  }
}
