import { OnnsightError } from './error.ts'

export class MissingPackageError extends OnnsightError {
  static readonly code = 'missing-package'
  constructor(name: string, cause: unknown, purpose = 'to run models', fix = `npm install ${name}`) {
    super(MissingPackageError.code, `${name} is not installed, and onnsight needs it ${purpose}.`, { cause, fix })
  }
}

export class OtherRealmError extends OnnsightError {
  static readonly code = 'other-realm'
  constructor() {
    super(
      OtherRealmError.code,
      'Typed arrays such as Float32Array are not Node’s own here, because Jest gives each test file its own, and onnxruntime-node rejects them.',
      { fix: "add setupFiles: ['onnsight/jest'] to jest.config.js" },
    )
  }
}

export class RuntimeVersionError extends OnnsightError {
  static readonly code = 'runtime-version'
  constructor(name: string, version: string, least: string) {
    super(
      RuntimeVersionError.code,
      `${name} ${version} is installed, but this version of onnsight needs ${least} or newer.`,
      {
        fix: `npm install ${name}@^${least}.0`,
      },
    )
  }
}

export class RuntimeNotLoadedError extends OnnsightError {
  static readonly code = 'runtime-not-loaded'
  constructor(name: string, reason: string, cause: unknown) {
    super(RuntimeNotLoadedError.code, `${name} is installed, but can’t be loaded here: ${reason}.`, {
      fix: 'run npx onnsight doctor, which checks the installation; Jest must be 29 or newer',
      cause,
    })
  }
}
