import { execFile } from 'node:child_process'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { packed, root } from './packed.ts'

export interface Outcome {
  readonly stdout: string
  /** The text of both streams. */
  readonly output: string
  readonly code: number
}

export interface VariantOptions {
  /** Files that differ, by path. Undefined removes a file. */
  readonly files?: Readonly<Record<string, string | undefined>>
  /** Packages that are not installed in the variant. */
  readonly without?: readonly string[]
}

/** The name of the model that consumers run, as a file of their project. */
const MODEL = 'model.onnx'
const made: string[] = []

/** A user's project in its own folder, with onnsight installed. */
export class Project {
  readonly folder: string

  constructor(folder: string) {
    this.folder = folder
  }

  /** Copies a project's folder, and installs, as a user does, the packages of its lockfile and then the tarball. */
  static async open(name: string, source = join('test/consumers', name)): Promise<Project> {
    const tarball = await packed()
    const project = new Project(mkdtempSync(join(tmpdir(), `onnsight-${name}-`)))
    made.push(project.folder)
    cpSync(join(root, source), project.folder, {
      recursive: true,
      filter: path => !/node_modules|\/\.next|\/build$/.test(path),
    })
    cpSync(join(root, 'examples/models/chars.onnx'), join(project.folder, MODEL))
    await project.succeed('npm ci --no-audit --no-fund --prefer-offline')
    await project.succeed(`npm install --no-save --no-audit --no-fund --prefer-offline ${tarball}`)
    return project
  }

  /** A project in a new, empty folder. */
  static empty(name: string): Project {
    const project = new Project(mkdtempSync(join(tmpdir(), `onnsight-${name}-`)))
    made.push(project.folder)
    return project
  }

  /** Installs the packed onnsight, and other packages. */
  async install(packages: string): Promise<void> {
    await this.succeed(`npm install --no-audit --no-fund --prefer-offline ${await packed()} ${packages}`, {
      ONNXRUNTIME_NODE_INSTALL: 'skip',
    })
  }

  static removeAll(): void {
    for (const folder of made) rmSync(folder, { recursive: true, force: true })
  }

  /** Runs a command in the folder; `node_modules/.bin` comes first, and MODEL names the model. */
  run(command: string, env: NodeJS.ProcessEnv = {}): Promise<Outcome> {
    const path = `${join(this.folder, 'node_modules/.bin')}:${process.env.PATH}`
    return new Promise(done => {
      execFile(
        '/bin/sh',
        ['-c', command],
        {
          cwd: this.folder,
          maxBuffer: 2 ** 26,
          env: {
            ...process.env,
            NODE_ENV: undefined,
            NODE_OPTIONS: undefined,
            NO_COLOR: undefined,
            FORCE_COLOR: '0',
            CI: '1',
            PATH: path,
            MODEL,
            ...env,
          },
        },
        (error, stdout, stderr) => done({ stdout, output: stdout + stderr, code: Number(error?.code ?? 0) }),
      )
    })
  }

  async succeed(command: string, env?: NodeJS.ProcessEnv): Promise<Outcome> {
    const outcome = await this.run(command, env)
    if (outcome.code !== 0) throw new Error(`${command} ended with ${outcome.code}:\n${outcome.output}`)
    return outcome
  }

  /** A project with other files or packages. Its packages are links to those of this project, and onnsight is a copy. */
  variant({ files = {}, without = [] }: VariantOptions = {}): Project {
    const other = new Project(mkdtempSync(join(tmpdir(), 'onnsight-variant-')))
    made.push(other.folder)
    cpSync(this.folder, other.folder, {
      recursive: true,
      filter: path => !path.startsWith(join(this.folder, 'node_modules')),
    })
    other.#linkPackages(this, without)
    for (const [path, text] of Object.entries(files)) other.write(path, text)
    return other
  }

  write(path: string, text: string | undefined): void {
    const file = join(this.folder, path)
    mkdirSync(dirname(file), { recursive: true })
    if (text === undefined) rmSync(file)
    else writeFileSync(file, text)
  }

  read(path: string): string {
    return readFileSync(join(this.folder, path), 'utf8')
  }

  /** Adds a copy of an installed package at another place in the project, which is under node_modules if `to` is only a name. */
  copyPackage(name: string, to: string): void {
    const target = to.includes('node_modules') ? to : join('node_modules', to)
    cpSync(realpathSync(join(this.folder, 'node_modules', name)), join(this.folder, target), { recursive: true })
  }

  #linkPackages(from: Project, without: readonly string[]): void {
    const names = readdirSync(join(from.folder, 'node_modules')).flatMap(name =>
      name.startsWith('@')
        ? readdirSync(join(from.folder, 'node_modules', name)).map(inner => `${name}/${inner}`)
        : [name],
    )
    for (const name of names) {
      if (without.includes(name)) continue
      const [source, target] = [from, this].map(({ folder }) => join(folder, 'node_modules', name))
      mkdirSync(dirname(target), { recursive: true })
      if (name === 'onnsight') cpSync(source, target, { recursive: true, verbatimSymlinks: true })
      else symlinkSync(source, target)
    }
  }
}
